"""Which images rendered objects run."""

from __future__ import annotations

from typing import Any

import pytest

from packyard.delivery.images import images_of
from packyard.delivery.part import Part

DIGEST = "sha256:" + "ab" * 32


def found(*objects: dict[str, Any]) -> list[str]:
    parts = [
        Part(source="t", text="", kind=str(data.get("kind", "Pod")), data=data) for data in objects
    ]
    return [image.full for image in images_of(parts)]


def pod(**spec: Any) -> dict[str, Any]:
    return {"kind": "Pod", "spec": spec}


def test_each_image_is_told_once_in_the_order_of_the_objects() -> None:
    first = pod(
        initContainers=[{"image": "a.io/init:1"}],
        containers=[{"image": "a.io/main:1"}, {"image": "a.io/init:1"}],
        ephemeralContainers=[{"image": "a.io/debug:1"}],
    )
    second = {"kind": "Deployment", "spec": {"template": pod(containers=[{"image": "b.io/x:2"}])}}
    assert found(second, first) == ["b.io/x:2", "a.io/init:1", "a.io/main:1", "a.io/debug:1"]


@pytest.mark.parametrize(
    ("data", "images"),
    [
        ({"kind": "Prometheus", "spec": {"image": "quay.io/p/p:v2"}}, ["quay.io/p/p:v2"]),
        (pod(volumes=[{"image": {"reference": "a.io/data:1"}}]), ["a.io/data:1"]),
        (pod(containers=[{"args": ["--sidecar-image=a.io/s:1"]}]), ["a.io/s:1"]),
        (pod(containers=[{"args": ["--image", "a.io/s:1"]}]), ["a.io/s:1"]),
        (pod(containers=[{"command": ["run", f"a.io/s@{DIGEST}"]}]), [f"a.io/s@{DIGEST}"]),
        (pod(containers=[{"env": [{"name": "IMG", "value": "a.io/s:1"}]}]), ["a.io/s:1"]),
        (pod(containers=[{"args": ["--name=web:1", "a/b:1", "--url=http://a.io/s:1"]}]), []),
        (pod(containers=[{"args": ["--host=a.io/path"]}]), []),
        (pod(containers=[{"image": "{{ .spectro.macro.image }}"}]), []),
        (pod(containers=[{"image": 7}, {"image": None}]), []),
        ({"kind": "ConfigMap", "data": {"image": "a.io/s:1"}}, []),
        ({"kind": "CustomResourceDefinition", "spec": {"image": "a.io/s:1"}}, []),
    ],
)
def test_where_images_stand(data: dict[str, Any], images: list[str]) -> None:
    assert found(data) == images
