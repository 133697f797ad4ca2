"""Registries of both resources, and all data sources that find registries."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.live import Live
from tests.terraform.conftest import synchronized
from tests.terraform.program import PROVIDER, Terraform

pytestmark = pytest.mark.clients("terraform", PROVIDER)

# What nothing listens at.
NOWHERE = "127.0.0.1:9"


HELM = """
variable "charts" {}
variable "password" { default = "live-admin-password" }
resource "spectrocloud_registry_helm" "public" {
  name       = "%(name)s"
  endpoint   = "${var.charts}"
  is_private = false
  credentials {
    credential_type = "basic"
    username        = "admin"
    password        = var.password
  }
  lifecycle { ignore_changes = [credentials] }
}
resource "spectrocloud_registry_helm" "private" {
  name       = "private charts"
  endpoint   = "https://127.0.0.1:9/%(path)s"
  is_private = true
  credentials {
    credential_type = "noAuth"
  }
}
resource "spectrocloud_registry_helm" "token" {
  name       = "token charts"
  endpoint   = "https://127.0.0.1:9/token"
  is_private = true
  credentials {
    credential_type = "token"
    username        = "robot"
    token           = "hush"
  }
  lifecycle { ignore_changes = [credentials] }
}
"""
LOOK = """
data "spectrocloud_registry_helm" "it" { name = spectrocloud_registry_helm.public.name }
data "spectrocloud_registry" "helm" {
  name = spectrocloud_registry_helm.public.name
  type = "helm"
}
data "spectrocloud_registry" "any" { name = spectrocloud_registry_helm.private.name }
data "spectrocloud_registry" "default" { name = "Public Repo" }
data "spectrocloud_registry_pack" "default" { name = "Public Repo" }
"""


def test_helm(terraform: Terraform, api: httpx.Client, upstream: Live) -> None:
    terraform.variables = {"charts": f"{upstream.url}/helm"}
    terraform.apply(HELM % {"name": "public charts", "path": "a"} + LOOK)
    address = "spectrocloud_registry_helm.public"
    uid = terraform.state(address)["id"]
    path = f"/v1/registries/helm/{uid}"
    synchronized(api, path)
    for data in ("spectrocloud_registry_helm.it", "spectrocloud_registry.helm"):
        assert terraform.state(f"data.{data}")["id"] == uid
    default = terraform.state("data.spectrocloud_registry.default")["id"]
    assert terraform.state("data.spectrocloud_registry_pack.default")["id"] == default

    # The provider sends no password now, since changes of credentials are ignored.
    terraform.variables["charts"] += "/"
    terraform.apply(HELM % {"name": "public charts", "path": "b"})
    assert terraform.state(address)["id"] == uid
    synchronized(api, path)
    assert api.get(path).json()["spec"]["auth"].get("password") in (None, "", "***")

    terraform.apply(HELM % {"name": "renamed charts", "path": "b"})
    assert api.get(path).json()["code"] == "ResourceNotFound"
    path = f"/v1/registries/helm/{terraform.state(address)['id']}"
    assert api.get(path).json()["metadata"]["name"] == "renamed charts"
    private = "spectrocloud_registry_helm.private"
    terraform.adopt(
        HELM % {"name": "renamed charts", "path": "b"}, private, terraform.state(private)["id"]
    )
    terraform.plan_is_empty()
    terraform.destroy()
    assert api.get(path).json()["code"] == "ResourceNotFound"


OCI = """
variable "host" {}
resource "spectrocloud_registry_oci" "charts" {
  name               = "%(name)s"
  type               = "basic"
  endpoint           = var.host
  base_content_path  = "charts"
  provider_type      = "helm"
  is_private         = true
  is_synchronization = true
  credentials {
    credential_type = "basic"
    username        = "admin"
    password        = "live-admin-password"
  }
}
resource "spectrocloud_registry_oci" "packs" {
  name               = "oci packs"
  type               = "basic"
  endpoint           = var.host
  base_content_path  = "team"
  provider_type      = "pack"
  is_private         = true
  is_synchronization = true
  credentials {
    credential_type = "basic"
    username        = "admin"
    password        = "live-admin-password"
    tls_config { insecure_skip_verify = %(skip)s }
  }
}
resource "spectrocloud_registry_oci" "zarf" {
  name            = "zarf"
  type            = "basic"
  endpoint        = "https://127.0.0.1:9"
  endpoint_suffix = "/%(path)s"
  provider_type   = "zarf"
  is_private      = false
  credentials { credential_type = "noAuth" }
}
resource "spectrocloud_registry_oci" "keys" {
  name       = "ecr by keys"
  type       = "ecr"
  endpoint   = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
  is_private = true
  base_content_path = "%(path)s"
  credentials {
    credential_type = "secret"
    access_key      = "AKIATEST"
    secret_key      = "hush-secret"
  }
}
resource "spectrocloud_registry_oci" "role" {
  name       = "ecr by role"
  type       = "ecr"
  endpoint   = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
  is_private = true
  credentials {
    credential_type = "sts"
    arn             = "arn:aws:iam::123456789012:role/%(path)s"
    external_id     = "ex-1"
    tls_config { insecure_skip_verify = true }
  }
}
"""
OCI_LOOK = """
data "spectrocloud_registry_oci" "keys" { name = spectrocloud_registry_oci.keys.name }
data "spectrocloud_registry" "charts" {
  name = spectrocloud_registry_oci.charts.name
  type = "oci"
}
"""


def test_oci(terraform: Terraform, api: httpx.Client, upstream: Live) -> None:
    terraform.variables = {"host": upstream.url}
    first = OCI % {"name": "oci charts", "path": "a", "skip": "true"}
    terraform.apply(first + OCI_LOOK)
    uids = {name: terraform.state(f"spectrocloud_registry_oci.{name}")["id"] for name in (
        "charts", "packs", "zarf", "keys", "role",
    )}  # fmt: skip
    assert terraform.state("data.spectrocloud_registry_oci.keys")["id"] == uids["keys"]
    assert terraform.state("data.spectrocloud_registry.charts")["id"] == uids["charts"]
    paths = {name: f"/v1/registries/oci/{uids[name]}/basic" for name in ("charts", "packs")}
    for path in paths.values():
        synchronized(api, path)

    second = OCI % {"name": "oci charts 2", "path": "b", "skip": "false"}
    terraform.apply(second)
    assert terraform.state("spectrocloud_registry_oci.packs")["id"] == uids["packs"]
    assert terraform.state("spectrocloud_registry_oci.charts")["name"] == "oci charts 2"
    synchronized(api, paths["packs"])
    for address, uid in (("zarf", uids["zarf"]), ("role", "ecr by role")):
        terraform.adopt(second, f"spectrocloud_registry_oci.{address}", uid)
    terraform.plan_is_empty()
    terraform.destroy()


def test_what_does_not_answer_is_refused_with_the_reason_and_not_made(
    terraform: Terraform, api: httpx.Client, upstream: Live
) -> None:
    charts = OCI.split("resource")[1].replace("%(name)s", "refused")
    terraform.variables = {"host": f"http://{NOWHERE}"}
    assert NOWHERE in terraform.fails('variable "host" {}\nresource' + charts)
    terraform.variables = {"host": upstream.url}
    wrong = charts.replace("live-admin-password", "wrong")
    assert "password" in terraform.fails('variable "host" {}\nresource' + wrong)
    names = [row["name"] for row in api.get("/v1/registries/metadata").json()["items"]]
    assert "refused" not in names


def test_waiting_for_a_synchronization(terraform: Terraform, upstream: Live) -> None:
    """The provider first looks after 30 seconds: all at once, therefore."""
    terraform.variables = {"host": upstream.url, "charts": f"{upstream.url}/helm"}
    helm = "resource" + HELM.split("resource")[1] % {"name": "waited for"}
    oci = "resource" + OCI.split("resource")[1] % {"name": "waited for, too"}
    wait = "is_private = true\n  wait_for_sync = true"
    config = HELM.split("resource", maxsplit=1)[0] + OCI.split("resource", maxsplit=1)[0]
    config += helm.replace("is_private = false", "is_private = false\n  wait_for_sync = true")
    config += oci.replace("is_private         = true", wait)
    started = time.monotonic()
    terraform.apply(config, "-parallelism=2")
    assert time.monotonic() - started < 45
    message = terraform.state("spectrocloud_registry_oci.charts")["wait_for_status_message"]
    assert "4 versions" in message
    terraform.destroy()
