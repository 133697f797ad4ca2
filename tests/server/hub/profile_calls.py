"""What clients of profiles send, as builders; and packs that the server under test holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from packyard.packs.files import Files
from tests.live import Live, basic
from tests.registry.conftest import archive_of
from tests.server.hub.conftest import Caller

PATH = "/v1/clusterprofiles"


def push_pack(server: Live, files: Files) -> None:
    """By the server's own upload; the pack's first tag is its version."""
    answer = httpx.post(
        f"{server.url}/v1/_packs",
        content=archive_of(files),
        timeout=60,
        headers={
            "authorization": basic("admin", server.admin_password),
            "content-type": "application/gzip",
        },
    )
    assert answer.status_code == 201, answer.text


def built_in(admin: Caller) -> str:
    """The uid of the server's own registry, as the layer of a profile names it."""
    made = create(admin, "to-learn-the-registry", pack("demo", "1.0.0"))
    uid: str = published(admin, made)["packs"][0]["registryUid"]
    assert admin("DELETE", f"{PATH}/{made}").status_code == 204
    return uid


def pack(name: str, tag: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "tag": tag, "type": "spectro", **changes}


def manifest_pack(name: str, *manifests: Mapping[str, str], **changes: Any) -> dict[str, Any]:
    of = {"name": name, "type": "manifest", "uid": "spectro-manifest-pack"}
    return {**of, "manifests": list(manifests), **changes}


def manifest(name: str, marker: str = "") -> dict[str, str]:
    head = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}"
    return {"name": name, "content": f"{head}\n# {marker}" if marker else head}


def body(name: str, *packs: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """As the Terraform provider writes it; `changes` go into the spec."""
    template = {"cloudType": "all", "type": "add-on", "packs": list(packs)}
    return {
        "metadata": {
            "name": name,
            "annotations": {"description": "of the tests"},
            "creationTimestamp": "0001-01-01T00:00:00.000Z",
        },
        "spec": {"version": "1.0.0", "template": template, "variables": None, **changes},
    }


def create(caller: Caller, name: str, *packs: Mapping[str, Any], **changes: Any) -> str:
    answer = caller("POST", PATH, body(name, *packs, **changes))
    assert answer.status_code == 201, answer.text
    uid: str = answer.json()["uid"]
    return uid


def published(caller: Caller, uid: str) -> dict[str, Any]:
    spec: dict[str, Any] = get(caller, uid)["spec"]
    found: dict[str, Any] = spec["published"]
    return found


def get(caller: Caller, uid: str) -> dict[str, Any]:
    answer = caller("GET", f"{PATH}/{uid}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def done(answer: httpx.Response, status: int = 204) -> httpx.Response:
    assert answer.status_code == status, answer.text
    return answer
