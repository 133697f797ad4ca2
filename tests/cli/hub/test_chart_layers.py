"""Profiles whose layers are charts of other registries, and manifests: out and in again, and pulled
as files, they render to the same objects."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from packyard.packs.chart_artifact import ARCHIVE_TYPE, CONFIG_TYPE
from packyard.remotes.address import parse_address
from packyard.remotes.challenge import Credentials
from packyard.remotes.client import Client
from tests import live
from tests.charts import samples as charts
from tests.cli.hub.conftest import Commands
from tests.live import ADMIN_PASSWORD, Live
from tests.remotes.content import push_artifact

PATH = "/v1/clusterprofiles"
TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
  namespace: {{ .Release.Namespace }}
data:
  host: {{ .Values.host | quote }}
  kept: {{ .Values.kept | quote }}
"""
VALUES = "host: none\nkept: theirs  # as the chart has it\n"
LOGIN = {"type": "basic", "username": "admin", "password": ADMIN_PASSWORD}


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Another server, with two charts; both stand below /helm, and as artifacts below `charts`."""
    with live.start(tmp_path_factory.mktemp("upstream")) as server:
        login = Credentials("admin", server.admin_password)
        with Client(parse_address(server.url), login) as client:
            for name in ("web", "cache"):
                archive = charts.chart({"a.yaml": TEMPLATE}, name=name, values=VALUES)
                config = json.dumps({"name": name, "version": "1.0.0"}).encode()
                push_artifact(
                    client, f"charts/{name}", "1.0.0", config, CONFIG_TYPE, archive, ARCHIVE_TYPE
                )
        yield server


@pytest.fixture(scope="module")
def api(server: Live) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        body = {"emailId": "admin", "password": ADMIN_PASSWORD}
        signed_in = client.post("/v1/auth/authenticate", json=body).raise_for_status()
        client.headers["authorization"] = signed_in.json()["Authorization"]
        yield client


@pytest.fixture(scope="module")
def registries(api: httpx.Client, upstream: Live) -> dict[str, str]:
    """A Helm repository that is synchronized and an OCI registry of charts that is not, by kind."""
    oci = {"providerType": "helm", "baseContentPath": "charts", "endpoint": upstream.url}
    specs: dict[str, tuple[str, dict[str, Any]]] = {
        "helm": ("helm", {"endpoint": f"{upstream.url}/helm", "auth": LOGIN}),
        "oci": ("oci/basic", {**oci, "auth": LOGIN, "isSyncSupported": False}),
    }
    made = {}
    for name, (path, spec) in specs.items():
        body = {"metadata": {"name": f"{name}-charts"}, "spec": spec}
        made[name] = api.post(f"/v1/registries/{path}", json=body).raise_for_status().json()["uid"]
    status = f"/v1/registries/helm/{made['helm']}/sync/status"
    while api.get(status).json()["status"] != "Completed":
        time.sleep(0.1)
    return made


def layers(registries: dict[str, str]) -> list[dict[str, Any]]:
    def chart(name: str, kind: str) -> dict[str, Any]:
        host = f"    host: '{name}.{{{{ .spectro.var.domain }}}}'  # where\n"
        values = f"pack:\n  namespace: {name}\ncharts:\n  {name}:\n{host}"
        of = {"name": name, "type": kind, "tag": "1.0.0", "values": values}
        return {**of, "registryUid": registries[kind]}

    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: own\ndata:\n  d: 'x{{ %s }}'\n"
    own = {"name": "own", "content": manifest % ".spectro.var.domain"}
    of_own = {"name": "extra", "type": "manifest", "uid": "spectro-manifest-pack"}
    return [chart("web", "helm"), chart("cache", "oci"), {**of_own, "manifests": [own]}]


def rendered(api: httpx.Client, uid: str) -> str:
    return api.post(f"{PATH}/{uid}/render", json={}).raise_for_status().text


def test_charts_go_out_and_in_and_render_to_the_same(
    api: httpx.Client, registries: dict[str, str], upstream: Live, admin: Commands, tmp_path: Path
) -> None:
    template = {"type": "add-on", "cloudType": "all", "packs": layers(registries)}
    domain = {"name": "domain", "displayName": "Domain", "defaultValue": "example.com"}
    spec = {"version": "1.0.0", "template": template, "variables": [domain]}
    body = {"metadata": {"name": "charts"}, "spec": spec}
    answer = api.post(f"{PATH}?publish=true", json=body)
    assert answer.status_code == 201, answer.text
    uid = answer.json()["uid"]
    before = rendered(api, uid)
    assert before.count("kind: ConfigMap") == 3
    assert before.count('kept: "theirs"') == 2
    assert 'host: "web.example.com"' in before
    read = api.get(f"{PATH}/{uid}").json()["spec"]["published"]["packs"]

    # Pulled as files, with the repository that Helm knows under the registry's name.
    helm = admin.home / ".config" / "helm"
    helm.mkdir(parents=True)
    login = {"username": "admin", "password": ADMIN_PASSWORD}
    row = {"name": "helm-charts", "url": f"{upstream.url}/helm", **login}
    (helm / "repositories.yaml").write_text(json.dumps({"repositories": [row]}))
    words = ("login", upstream.host, "-u", "admin", "--password-stdin")
    Commands(admin.home, ("registry",))(*words, stdin=ADMIN_PASSWORD)
    profile, file = Commands(admin.home, ("profile",)), tmp_path / "pulled" / "profile.yaml"
    profile("pull", "charts", file)
    assert "chart: helm-charts/web" in file.read_text()
    assert f"chart: oci://{upstream.host}/charts/cache" in file.read_text()
    assert profile("render", file).out == before
    assert profile("push", file).out.split()[0] == "unchanged"

    for form in ("json", "yaml"):
        out = api.get(f"{PATH}/{uid}/export?format={form}").raise_for_status().content
        api.delete(f"{PATH}/{uid}").raise_for_status()
        sent = {"importFile": out}
        answer = api.post(f"{PATH}/import/file?publish=true&format={form}", files=sent)
        uid = answer.raise_for_status().json()["uid"]
        assert rendered(api, uid) == before
        again = api.get(f"{PATH}/{uid}").json()["spec"]["published"]["packs"]
        assert [_without_uids(one) for one in again] == [_without_uids(one) for one in read]


def _without_uids(layer: dict[str, Any]) -> dict[str, Any]:
    """Those of what a profile has of its own are others in another profile."""
    named = {key: value for key, value in layer.items() if key != "manifests"}
    if layer["type"] == "manifest":
        del named["packUid"]
    return named
