"""Every chart that real packs carry is in the index, which Helm reads as it would write it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from packyard.packs.archive import read_archive
from packyard.packs.artifact import pack_of_repository
from packyard.packs.folder import package_missing_charts
from packyard.packs.lint import check
from packyard.registry.registry import Registry
from tests.migrated import open_migrated
from tests.registry.charts import index


@pytest.mark.clients("helm")
def test_all_charts_of_real_packs_are_in_the_index(real_packs: Path, tmp_path: Path) -> None:
    store = open_migrated(None)
    registry = Registry(store)
    carried = set()
    for path in sorted(real_packs.glob("*.tar.gz")):
        archive = path.read_bytes()
        with path.open("rb") as stream:
            files = read_archive(stream)
        pack, findings = check(files)
        if pack is None or findings:
            continue  # what a push refuses
        registry.push_archive(pack, files, archive, actor="test")
        whole = package_missing_charts(files, pack)
        for chart in pack.charts:
            carried.add(whole[chart].data)
    for number, data in enumerate(carried):
        (tmp_path / f"{number}.tgz").write_bytes(data)
    subprocess.run(["helm", "repo", "index", "--json", tmp_path], check=True, timeout=100)
    theirs = json.loads((tmp_path / "index.yaml").read_text())["entries"]
    assert sum(map(len, theirs.values())) == len(carried), "Helm loads all of them"

    ours = index(registry)
    assert {entry["digest"] for found in ours.values() for entry in found} <= {
        entry["digest"] for found in theirs.values() for entry in found
    }
    assert {(name, entry["version"]) for name, found in ours.items() for entry in found} == {
        (name, entry["version"]) for name, found in theirs.items() for entry in found
    }
    by_digest = {entry["digest"]: entry for found in theirs.values() for entry in found}
    for entry in (entry for found in ours.values() for entry in found):
        expected = by_digest[entry["digest"]]
        pack = entry["annotations"].pop("dev.packyard.pack")
        assert pack_of_repository(f"spectro-packs/archive/{pack.partition(':')[0]}")
        if not entry["annotations"]:
            del entry["annotations"]
        for name in ("urls", "created"):
            del entry[name], expected[name]
        assert entry == expected
    store.close()
