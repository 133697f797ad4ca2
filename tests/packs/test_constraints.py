"""What packs ask of each other and of nodes (format specification, "Dependency constraints" and
"Resource constraints")."""

from __future__ import annotations

import json
from typing import Any

import pytest

from packyard.packs.constraints import Pool, check_dependencies, check_resources
from packyard.packs.model import Pack, parse_pack_json
from packyard.packs.values import Document
from tests.packs.samples import pack_json


def pack(name: str = "sample", version: str = "1.0.0", layer: str = "addon", **more: Any) -> Pack:
    parsed, findings = parse_pack_json(pack_json(name=name, version=version, layer=layer, **more))
    assert parsed, findings
    return parsed


def asking(**dependency: Any) -> Pack:
    return pack(constraints={"dependencies": [dependency]})


def broken(dependency: dict[str, Any], *others: Pack) -> list[str]:
    asked = {"packName": "net", "layer": "cni", **dependency}
    return [found.rule for found in check_dependencies(asking(**asked), others)]


def net(version: str = "1.21.5", layer: str = "cni") -> Pack:
    return pack("net", version, layer)


MISSING, VERSION, UNSUPPORTED = (
    ["dependency.missing"],
    ["dependency.version"],
    ["dependency.unsupported"],
)


@pytest.mark.parametrize(
    ("dependency", "present", "expected"),
    [
        ({"type": "required"}, [], MISSING),
        ({"type": "required"}, [net()], []),
        ({"type": "required"}, [net(layer="csi")], MISSING),
        ({"type": "required", "minVersion": "1.21.5"}, [net()], []),
        ({"type": "required", "minVersion": "1.21.6"}, [net()], VERSION),
        ({"type": "required", "maxVersion": "1.21"}, [net("1.21.14")], []),
        ({"type": "required", "maxVersion": "1.21"}, [net("1.22.0")], VERSION),
        ({"type": "required", "minVersion": "1.20", "maxVersion": "1.21.5"}, [net()], []),
        ({"type": "required", "minVersion": "", "maxVersion": " "}, [net()], []),
        ({"type": "required", "minVersion": "26.4.4"}, [net("26.04.4")], []),
        ({"type": "optional", "minVersion": "2"}, [], []),
        ({"type": "optional", "minVersion": "2"}, [net()], VERSION),
        ({"type": "optional", "minVersion": "1.20"}, [net()], []),
        ({"minVersion": "2"}, [net()], VERSION),
        ({"minVersion": "2"}, [], []),
        ({"type": "notSupported", "maxVersion": "1.21"}, [net()], UNSUPPORTED),
        ({"type": "notSupported", "maxVersion": "1.20"}, [net()], []),
        ({"type": "notSupported"}, [net()], []),
        ({"type": "notSupported", "minVersion": "1"}, [], []),
        ({"type": "upgrade", "minVersion": "9"}, [net()], []),
        ({"type": "upgrade", "minVersion": "9"}, [], []),
    ],
)
def test_each_type_of_dependency(
    dependency: dict[str, Any], present: list[Pack], expected: list[str]
) -> None:
    assert broken(dependency, *present) == expected


def test_every_broken_dependency_is_told_with_its_place() -> None:
    wanted = [{"packName": name, "layer": "cni", "type": "required"} for name in ("one", "two")]
    findings = check_dependencies(pack(constraints={"dependencies": wanted}), [])
    assert [found.path for found in findings] == [
        "constraints.dependencies[0]",
        "constraints.dependencies[1]",
    ]
    assert all(found.message.endswith(".") and found.mend for found in findings)


VALUES = {"a": {"cpu": "250m", "memory": "1Gi", "count": 4, "none": None, "odd": "lots"}}


def short(resource: dict[str, Any], *pools: Pool) -> list[tuple[str, str]]:
    values, _ = Document.parse(json.dumps(VALUES))
    assert values
    asked = pack(constraints={"resources": [resource]})
    findings = check_resources(asked, values, pools)
    return [
        (found.rule, next((p.name for p in pools if p.name in found.message), ""))
        for found in findings
    ]


def needs(kind: str, *components: dict[str, str]) -> dict[str, Any]:
    return {"type": kind, "components": list(components)}


def part(request: str, count: str = "", where: str = "worker") -> dict[str, str]:
    counted = {"replicaCountParamRef": count} if count else {}
    return {"resourceRequestParamRef": request, "scheduleType": where, **counted}


WORKERS = Pool(name="workers", cpu=1000, memory=4096, disk_size=50)
CONTROL = Pool(name="control", control_plane=True, cpu=400, memory=1024, disk_size=50)
WORKERS_SHORT, CONTROL_SHORT = (
    ("resource.insufficient", "workers"),
    ("resource.insufficient", "control"),
)


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"type": "cpu", "minLimit": 1000}, []),
        ({"type": "cpu", "minLimit": 1001}, [WORKERS_SHORT]),
        ({"type": "memory", "minLimit": 4097}, [WORKERS_SHORT]),
        ({"type": "diskSize", "minLimit": 51}, [WORKERS_SHORT]),
        (needs("cpu", part("a.cpu", "a.count")), []),
        (needs("cpu", part("a.cpu", "a.count"), part("a.cpu")), [WORKERS_SHORT]),
        (needs("memory", part("a.memory", "a.count")), []),
        (needs("memory", part("a.memory", "a.count"), part("a.memory")), [WORKERS_SHORT]),
        (needs("cpu", part("a.cpu", "", "control-plane")), []),
        (needs("cpu", part("a.cpu", "a.count", "master")), [CONTROL_SHORT]),
        (needs("cpu", part("a.cpu", "a.count", "all")), [CONTROL_SHORT]),
        (
            needs("memory", part("a.memory", "a.count", "all"), part("a.memory", "", "all")),
            [WORKERS_SHORT, CONTROL_SHORT],
        ),
        (needs("cpu", part("a.absent", "a.count")), []),
        (needs("cpu", part("a.none")), []),
        (needs("cpu", part("a.odd")), [("resource.unreadable", "")]),
        ({"type": "gpu", "minLimit": 9}, []),
    ],
)
def test_the_need_of_each_pool(resource: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert short(resource, WORKERS, CONTROL) == expected


def test_what_is_not_known_of_a_pool_is_not_checked() -> None:
    assert short({"type": "cpu", "minLimit": 9000}, Pool(name="workers")) == []
