"""The data sources of the Terraform provider over packs as their authors published them."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from packyard.packs import lint
from packyard.packs.archive import read_archive
from packyard.packs.files import Files
from packyard.packs.model import Pack
from packyard.packs.version import sort_key
from tests import live
from tests.live import Live
from tests.server.hub.conftest import Caller
from tests.server.hub.packs.test_packs import S1, found, get
from tests.server.hub.profile_calls import push_pack


@pytest.fixture(scope="module")
def held(real_packs: Path) -> dict[str, list[tuple[Pack, Files]]]:
    """By name, oldest first."""
    by_name: dict[str, list[tuple[Pack, Files]]] = defaultdict(list)
    for path in sorted(real_packs.glob("*.tar.gz")):
        files = read_archive(io.BytesIO(path.read_bytes()))
        pack, _ = lint.check(files)
        assert pack is not None
        by_name[pack.name].append((pack, files))
    for versions in by_name.values():
        versions.sort(key=lambda one: sort_key(one[0].version))
    return dict(by_name)


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, held: dict[str, list[tuple[Pack, Files]]]
) -> Iterator[Live]:
    with live.start(tmp_path_factory.mktemp("server"), workers=2) as running:
        for versions in held.values():
            for _, files in versions:
                push_pack(running, files)
        yield running


def values_of(files: Files) -> str:
    return files["values.yaml"].data.decode()


def test_every_pack_is_found_as_a_data_source_asks(
    viewer: Caller, held: dict[str, list[tuple[Pack, Files]]]
) -> None:
    for name, versions in held.items():
        asked = {"filter": {**S1, "name": {"eq": name}}, "sort": None}
        (item,) = found(viewer, asked)
        newest = versions[-1][0]
        assert item["spec"]["registries"][0]["latestVersion"] == newest.version
        assert item["spec"]["layer"] == newest.layer
        for pack, files in versions:
            text = f"spec.name={name}ANDspec.version={pack.version}ANDspec.cloudTypes_in_"
            filters = quote(f"{text}{pack.cloud_types[0]},all", safe="")
            (one,) = get(viewer, f"/v1/packs?limit=50&filters={filters}")["items"]
            assert one["spec"]["values"] == values_of(files)
            assert one["spec"]["cloudTypes"] == list(pack.cloud_types)


def test_every_version_is_told_with_its_values(
    viewer: Caller, held: dict[str, list[tuple[Pack, Files]]]
) -> None:
    for name, versions in held.items():
        told: dict[str, Any] = get(viewer, f"/v1/packs/{name}/registries/?cloudType=all")
        own = told["tags"][-len(versions) :]
        assert [row["version"] for row in own] == [pack.version for pack, _ in versions]
        values = {one["packUid"]: one for one in told["packValues"]}
        for row, (_, files) in zip(own, versions, strict=True):
            assert values[row["packUid"]]["values"] == values_of(files)
        parents = {row["tag"]: row for row in told["tags"][: -len(versions)]}
        assert all(row["version"] == tag for tag, row in parents.items())
        newest = own[-1]
        assert all(parents[tag]["packUid"] == newest["packUid"] for tag in newest["parentTags"])
        (one,) = get(viewer, f"/v1/packs/{newest['packUid']}")["packValues"]
        assert one | {"readme": ""} == values[newest["packUid"]]
        logo = viewer("GET", f"/v1/packs/{newest['packUid']}/logo")
        assert logo.status_code in (200, 404)
        assert (logo.status_code == 200) == bool(told["logoUrl"].startswith("/v1/"))
