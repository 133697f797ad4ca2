"""Objects held against the schemas of one version of Kubernetes, strictly: no unknown members.

The schemas are those of the package kubernetes-validate, read here so that one validator serves
all objects of a kind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

VERSION = "1.36"
_GROUPED = re.compile(r"^([^./]*)(?:\.[^/]*)?/")
_BUILT_IN = re.compile(r"[a-z0-9]+|[a-z0-9.]+\.k8s\.io")


def faults(data: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with an object; nothing for one of a kind that is not built in."""
    validator = _validator(str(data.get("apiVersion")), str(data.get("kind")))
    for error in validator.iter_errors(data) if validator else ():
        yield f"{data['kind']} {data['metadata'].get('name')}: {error.json_path} {error.message}"


def is_built_in(data: Mapping[str, Any]) -> bool:
    return _validator(str(data.get("apiVersion")), str(data.get("kind"))) is not None


@cache
def _validator(api_version: str, kind: str) -> Any:
    group = api_version.rpartition("/")[0]
    if group and not _BUILT_IN.fullmatch(group):
        return None
    file = f"{kind.lower()}-{_GROUPED.sub(lambda match: f'{match[1]}-', api_version)}.json"
    schema = _read(file)
    if schema is None:
        return None
    registry: Registry[Any] = Resource.from_contents(_read("_definitions.json")) @ Registry()
    return jsonschema.Draft202012Validator(schema, registry=registry)


@cache
def _read(file: str) -> Any:
    try:
        package = resources.files("kubernetes_validate")
    except ModuleNotFoundError:
        pytest.skip("kubernetes-validate is not installed: make test installs it")
    path = package / "kubernetes-json-schema" / f"v{VERSION}.0-local-strict" / file
    return json.loads(path.read_text()) if path.is_file() else None
