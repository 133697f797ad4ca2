"""Cluster profiles: layers of every type, resolved in every way; variables; what updates send."""

from __future__ import annotations

import httpx
import pytest

from tests.terraform.conftest import Charts
from tests.terraform.program import PROVIDER, Terraform

pytestmark = pytest.mark.clients("terraform", PROVIDER)

ADDRESS = "spectrocloud_cluster_profile.it"

DEFAULT = """
data "spectrocloud_registry" "default" { name = "Public Repo" }
locals { default = data.spectrocloud_registry.default.id }
data "spectrocloud_pack" "metrics" {
  name         = "metrics-server"
  version      = "0.9.0"
  registry_uid = local.default
}
"""

NODES = """
  pack {
    name         = "node-exporter"
    tag          = "%s"
    registry_uid = local.default
    values       = <<-EOT

      # A comment that stays.
      pack:
        namespace:   "monitoring"


    EOT
  }
"""
METRICS = """
  pack {
    name   = data.spectrocloud_pack.metrics.name
    tag    = data.spectrocloud_pack.metrics.version
    uid    = data.spectrocloud_pack.metrics.id
    values = data.spectrocloud_pack.metrics.values
  }
"""
FLUENT = """
  pack {
    name          = "fluent-bit"
    tag           = "5.0.7"
    registry_name = "Public Repo"
    values        = <<-EOT
      pack:
        namespace: logging
      manifests:
        fluent-bit:
          cluster: one
          buffer: 16M
    EOT
  }
"""
AGAIN = """
  pack {
    name         = "second--node-exporter"
    tag          = "1.12.1"
    registry_uid = local.default
    values       = <<-EOT
      pack:
        namespace: second
        releaseNameOverride:
          node-exporter: second-node-exporter
        spectrocloud.com/display-name: second
    EOT
  }
"""
CHART = """
  pack {
    name         = "web"
    type         = "helm"
    tag          = "%s"
    registry_uid = var.helm
    values       = "a: 2"
  }
"""
BY_HAND = """
  pack {
    name         = "by-hand"
    type         = "helm"
    tag          = "3.1.4"
    registry_uid = var.private
    values       = "b: '{{ .spectro.var.colour }}'"
  }
"""
OCI = """
  pack {
    name          = "cache"
    type          = "oci"
    tag           = "1.2.0"
    registry_name = "kept oci charts"
    values        = "c: 1"
  }
"""
MANIFESTS = """
  pack {
    name = "manifests"
    type = "manifest"
    manifest {
      name    = "second-by-name"
      content = <<-EOT
        apiVersion: v1
        kind: Namespace
        metadata: {name: one}
      EOT
    }
    manifest {
      name    = "first-by-name"
      content = "kind: ConfigMap\\napiVersion: v1\\nmetadata:\\n  name: %s\\n"
    }
  }
  pack {
    name = "more-manifests"
    type = "manifest"
    tag  = "1.0.0"
    manifest {
      name    = "first-by-name"
      content = "kind: ConfigMap\\napiVersion: v1\\nmetadata:\\n  name: other\\n"
    }
  }
"""
COLOUR = """
    variable {
      name          = "colour"
      display_name  = "Colour"
      format        = "string"
      input_type    = "dropdown"
      default_value = "Red"
      options {
        label = "Red"
        value = "red"
      }
      options {
        label       = "Blue"
        value       = "blue"
        description = "As the sky"
      }
    }
"""
MORE_VARIABLES = """
    variable {
      name          = "size"
      display_name  = "Size"
      format        = "number"
      description   = "How many"
      default_value = "3"
      regex         = "^[0-9]+$"
      required      = true
    }
    variable {
      name          = "text"
      display_name  = "Text"
      input_type    = "multiline"
      default_value = "one\\ntwo"
      hidden        = true
      immutable     = true
    }
    variable {
      name         = "secret"
      display_name = "Secret"
      is_sensitive = true
    }
"""
HUSH = """
    variable {
      name          = "hush"
      display_name  = "Hush"
      is_sensitive  = true
      default_value = "hush-secret"
    }
"""
IGNORE = """
  lifecycle { ignore_changes = [profile_variables] }
"""


def profile(*layers: str, variables: str = "", name: str = "addons", **settings: str) -> str:
    """An add-on profile of these layers, in this order."""
    lines = "".join(f"  {key} = {value}\n" for key, value in settings.items())
    block = f"  profile_variables {{{variables}  }}\n" if variables else ""
    return (
        DEFAULT
        + 'variable "helm" {}\nvariable "private" {}\n'
        + 'resource "spectrocloud_cluster_profile" "it" {\n'
        + f'  name = "{name}"\n{lines}{"".join(layers)}{block}}}\n'
    )


def names(terraform: Terraform) -> list[str]:
    return [pack["name"] for pack in terraform.state(ADDRESS)["pack"]]


def test_layers_of_every_type_come_and_go(
    terraform: Terraform, api: httpx.Client, charts: Charts
) -> None:
    terraform.variables = {"helm": charts.helm, "private": charts.private}
    terraform.apply(
        profile(
            NODES % "1.x", METRICS, CHART % "1.0.0", OCI, MANIFESTS % "one",
            description='"Every type"', tags='["team:a", "plain"]', version='"1.0.0"',
        )
    )  # fmt: skip
    uid = terraform.state(ADDRESS)["id"]
    found = api.get(f"/v1/clusterprofiles/{uid}").json()
    assert found["metadata"]["annotations"]["scope"] == "project"
    assert found["metadata"]["labels"] == {"team": "a", "plain": "spectro__tag"}
    published = found["spec"]["published"]
    assert [pack["tag"] for pack in published["packs"][:4]] == ["1.x", "0.9.0", "1.0.0", "1.2.0"]
    assert [pack["version"] for pack in published["packs"][:1]] == ["1.12.1"]

    # Inserted in front and in the middle, removed, another tag, other contents, another version.
    changed = profile(
        FLUENT, NODES % "1.11.1", BY_HAND, METRICS, CHART % "1.2.0", MANIFESTS % "two", AGAIN,
        variables=COLOUR + MORE_VARIABLES, description='"Changed"', tags='["team:b"]',
        version='"1.1.0"',
    )  # fmt: skip
    terraform.apply(changed)
    assert terraform.state(ADDRESS)["id"] == uid
    assert names(terraform) == [
        "fluent-bit", "node-exporter", "by-hand", "metrics-server", "web", "manifests",
        "more-manifests", "second--node-exporter",
    ]  # fmt: skip
    found = api.get(f"/v1/clusterprofiles/{uid}").json()
    assert found["spec"]["version"] == "1.1.0"
    assert found["metadata"]["annotations"]["description"] == "Changed"

    # Variables are replaced before the layer that uses one of them goes.
    terraform.apply(profile(NODES % "1.11.1", METRICS, MANIFESTS % "two", version='"1.1.0"'))
    assert names(terraform)[:2] == ["node-exporter", "metrics-server"]
    # An import takes no note of the registries of layers.
    kept = profile(METRICS, MANIFESTS % "two", version='"1.1.0"')
    terraform.apply(kept)
    for imported in (f"{uid}:project", "addons:project:1.1.0"):
        terraform.adopt(kept, ADDRESS, imported)
        terraform.plan_is_empty()
    terraform.destroy()
    assert api.get(f"/v1/clusterprofiles/{uid}").json()["code"] == "ResourceNotFound"


def test_a_default_that_is_secret_is_masked_and_can_be_ignored(
    terraform: Terraform, api: httpx.Client, charts: Charts
) -> None:
    terraform.variables = {"helm": charts.helm, "private": charts.private}
    for tag in ("1.11.1", "1.12.1"):
        terraform.apply(profile(NODES % tag, IGNORE, variables=HUSH, name="secretive"))
    uid = terraform.state(ADDRESS)["id"]
    assert "hush-secret" not in api.get(f"/v1/clusterprofiles/{uid}/variables").text
    terraform.write(profile(NODES % "1.12.1", variables=HUSH, name="secretive"))
    assert terraform.changes()[ADDRESS]["actions"] == ["update"]
    terraform.destroy()


FULL = """
data "spectrocloud_pack" "layer" {
  for_each = {
    ubuntu         = "24.4.4"
    kubernetes     = "1.36.3"
    cni-flannel    = "0.28.5"
    csi-local-path = "0.0.36"
  }
  name         = each.key
  version      = each.value
  registry_uid = local.default
}
locals {
  infra = ["ubuntu", "kubernetes", "cni-flannel", "csi-local-path"]
}
resource "spectrocloud_cluster_profile" "full" {
  name    = "edge"
  context = "tenant"
  cloud   = "edge-native"
  type    = "cluster"
  dynamic "pack" {
    for_each = [for name in local.infra : data.spectrocloud_pack.layer[name]]
    content {
      name   = pack.value.name
      tag    = pack.value.version
      uid    = pack.value.id
      values = pack.value.values
    }
  }
  pack {
    name   = "spaces"
    type   = "manifest"
    values = ""
    manifest {
      name    = "spaces"
      content = "apiVersion: v1\\nkind: Namespace\\nmetadata: {name: spaces}"
    }
  }
}
resource "spectrocloud_cluster_profile" "next" {
  name    = spectrocloud_cluster_profile.full.name
  version = "1.1.0"
  context = "tenant"
  cloud   = "edge-native"
  type    = "infra"
  dynamic "pack" {
    for_each = [for name in local.infra : data.spectrocloud_pack.layer[name]]
    content {
      name   = pack.value.name
      tag    = pack.value.version
      uid    = pack.value.id
      values = pack.value.values
    }
  }
}
"""
FULL_LOOK = """
data "spectrocloud_cluster_profile" "by_name" {
  name    = spectrocloud_cluster_profile.full.name
  version = "1.0.0"
  context = "tenant"
}
data "spectrocloud_cluster_profile" "by_id" {
  id      = spectrocloud_cluster_profile.next.id
  context = "tenant"
}
"""


def test_full_profiles_of_the_tenant_and_the_data_source(terraform: Terraform) -> None:
    terraform.apply(DEFAULT + FULL)
    terraform.apply(DEFAULT + FULL + FULL_LOOK)
    first = terraform.state("spectrocloud_cluster_profile.full")
    found = terraform.state("data.spectrocloud_cluster_profile.by_name")
    assert found["id"] == first["id"]
    assert [pack["name"] for pack in found["pack"]] == [pack["name"] for pack in first["pack"]]
    assert terraform.state("data.spectrocloud_cluster_profile.by_id")["version"] == "1.1.0"
    address = "spectrocloud_cluster_profile.full"
    terraform.adopt(DEFAULT + FULL, address, "edge:tenant:1.0.0")
    terraform.plan_is_empty()
    terraform.destroy()


PREVIEW = """
provider "spectrocloud" {
  feature_preview = { immutable-clusterprofiles = true }
}
"""
FIRST = """
data "spectrocloud_cluster_profile" "first" {
  name    = "kept"
  version = "1.0.0"
}
"""


def test_versions_that_stay_as_they_are(terraform: Terraform, charts: Charts) -> None:
    """The preview of immutable profiles clones instead of changing."""
    terraform.variables = {"helm": charts.helm, "private": charts.private}
    layers = (NODES % "1.11.1", MANIFESTS % "one")
    first = profile(*layers, name="kept", version='"1.0.0"', skip_destroy="true")
    terraform.apply(PREVIEW + first)
    uid = terraform.state(ADDRESS)["id"]
    layers = (NODES % "1.12.1", BY_HAND)
    second = profile(*layers, name="kept", version='"1.1.0"', skip_destroy="true", variables=COLOUR)
    terraform.apply(PREVIEW + second)
    assert terraform.state(ADDRESS)["id"] != uid
    terraform.apply(PREVIEW + second + FIRST)
    assert terraform.state("data.spectrocloud_cluster_profile.first")["id"] == uid


def test_what_is_wrong_is_said_all_at_once_and_nothing_is_made(
    terraform: Terraform, api: httpx.Client, charts: Charts
) -> None:
    terraform.variables = {"helm": charts.helm, "private": charts.private}
    bad = NODES.replace('namespace:   "monitoring"', "namespace: [") % "1.x"
    found = terraform.fails(profile(bad, NODES % "1.11.1", name="wrong"))
    assert "node-exporter" in found
    unknown = METRICS.replace("data.spectrocloud_pack.metrics.version", '"7.7.7"')
    assert "7.7.7" in terraform.fails(profile(unknown, name="wrong"))
    rows = api.get("/v1/dashboard/clusterprofiles/metadata").json()["items"]
    assert "wrong" not in [row["metadata"]["name"] for row in rows]


IMPORT = """
resource "spectrocloud_cluster_profile_import" "it" {
  import_file = "${path.module}/profile.json"
}
"""


def test_a_file_is_imported_replaced_and_deleted(
    terraform: Terraform, api: httpx.Client, charts: Charts
) -> None:
    terraform.variables = {"helm": charts.helm, "private": charts.private}
    config = profile(NODES % "1.11.1", CHART % "1.0.0", MANIFESTS % "one", name="exported")
    terraform.apply(config)
    uid = terraform.state(ADDRESS)["id"]
    exported = api.get(f"/v1/clusterprofiles/{uid}/export").raise_for_status().text
    terraform.destroy()
    (terraform.home / "profile.json").write_text(exported)
    terraform.apply(IMPORT)
    address = "spectrocloud_cluster_profile_import.it"
    made = terraform.state(address)["id"]
    found = api.get(f"/v1/clusterprofiles/{made}").json()
    assert found["metadata"]["name"] == "exported"
    assert len(found["spec"]["published"]["packs"]) == 4
    terraform.destroy()
    assert api.get(f"/v1/clusterprofiles/{made}").json()["code"] == "ResourceNotFound"


USED = """
resource "spectrocloud_macros" "used" {
  context = "tenant"
  macros  = { kept = "1", used = "%(macro)s" }
}
resource "spectrocloud_registry_helm" "used" {
  name       = "%(registry)s"
  endpoint   = "https://127.0.0.1:9/charts"
  is_private = true
  credentials { credential_type = "noAuth" }
  lifecycle { create_before_destroy = true }
}
resource "spectrocloud_cluster_profile" "it" {
  name       = "user"
  context    = "tenant"
  cloud      = "all"
  type       = "add-on"
  pack {
    name         = "web"
    type         = "helm"
    tag          = "1.0.0"
    registry_uid = spectrocloud_registry_helm.used.id
    values       = "a: '{{ .spectro.macro.used }}'"
  }
  depends_on = [spectrocloud_macros.used]
}
"""


def test_what_a_profile_uses_goes_after_it(terraform: Terraform, api: httpx.Client) -> None:
    terraform.apply(USED % {"registry": "first name", "macro": "1"})
    first = terraform.state("spectrocloud_registry_helm.used")["id"]
    answer = api.delete(f"/v1/registries/helm/{first}")
    assert (answer.status_code, answer.json()["code"]) == (409, "ResourceInUse")
    assert "user 1.0.0" in answer.json()["message"]
    terraform.apply(USED % {"registry": "second name", "macro": "1"})
    assert api.get(f"/v1/registries/helm/{first}").json()["code"] == "ResourceNotFound"
    without = USED.replace(', used = "%(macro)s"', "") % {"registry": "second name"}
    assert "The macro used is used by a cluster profile: user 1.0.0" in terraform.fails(without)
    terraform.destroy()
