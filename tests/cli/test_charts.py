"""`packyard chart` with our own server, by ChartMuseum's API, and with any OCI registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from packyard.digests import digest_of
from packyard.packs.artifact import repository
from packyard.packs.files import File
from tests import live
from tests.cli.program import Done, Program
from tests.live import Live
from tests.packs import samples
from tests.packs.samples import write
from tests.registry.charts import archive, provenance


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live.start(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(params=["own", "oci", "foreign"])
def place(request: pytest.FixtureRequest, packyard: Program, tmp_path: Path) -> str:
    """What follows -r: our server, a folder of it by OCI, and one of another registry."""
    if request.param == "foreign":
        return str(request.getfixturevalue("foreign"))
    server: Live = request.getfixturevalue("server")
    words = ["registry", "login", server.host, "-u", "admin", "--password-stdin"]
    assert packyard(*words, stdin=server.admin_password).code == 0
    folder = "".join(c if c.isascii() and c.isalnum() else "-" for c in tmp_path.name.lower())
    return server.host if request.param == "own" else f"oci://{server.host}/{folder.strip('-')}"


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Of a chart that no other test pushes."""
    words = request.node.name.replace("_", "-").partition("[")
    return f"c-{words[0][-30:].strip('-')}-{words[2].rstrip(']')}".replace("--", "-")


def save(folder: Path, data: bytes, name: str, *, signed: bytes | None = None) -> Path:
    path = folder / name
    path.write_bytes(data)
    if signed is not None:
        path.with_name(f"{name}.prov").write_bytes(signed)
    return path


def said(done: Done) -> list[list[str]]:
    assert done.code == 0, done.err
    return [line.split() for line in done.out.splitlines()]


def test_charts_go_and_come_back(packyard: Program, place: str, name: str, tmp_path: Path) -> None:
    data = archive(name, "1.2.0+b.1")
    signed = provenance(data, name, "1.2.0+b.1")
    one = save(tmp_path, data, "one.tgz", signed=signed)
    two = save(tmp_path, archive(name, "1.10.0"), "two.tgz")
    three = save(tmp_path, archive(name, "2.0.0-rc.1"), "three.tgz")
    pushed = said(packyard("chart", "push", "-r", place, one, two, three))
    assert pushed[0] == ["pushed", f"{name}:1.2.0+b.1", digest_of(data)]
    again = said(packyard("chart", "push", "-r", place, one, two, three))
    assert [line[0] for line in again] == ["unchanged"] * 3
    assert [line[1:] for line in again] == [line[1:] for line in pushed]

    listed = json.loads(packyard("chart", "ls", "-r", place, "-n", name, "-o", "json").out)
    assert [row["version"] for row in listed] == ["2.0.0-rc.1", "1.10.0", "1.2.0+b.1"]
    table = said(packyard("chart", "ls", "-r", place))
    assert [name, "1.10.0"] in [row[:2] for row in table]
    rows = yaml.safe_load(packyard("chart", "ls", "-r", place, "-o", "yaml").out)
    assert name in [row["name"] for row in rows]

    out = tmp_path / "out"
    newest = said(packyard("chart", "pull", name, out, "-r", place))
    assert newest == [["pulled", f"{out}/{name}-1.10.0.tgz", digest_of(two.read_bytes())]]
    packyard("chart", "pull", f"{name}:1.2.0+b.1", out, "-r", place)
    assert (out / f"{name}-1.2.0+b.1.tgz").read_bytes() == data
    assert (out / f"{name}-1.2.0+b.1.tgz.prov").read_bytes() == signed
    assert said(packyard("chart", "pull", name, out, "-r", place))[0][0] == "unchanged"
    (out / f"{name}-1.10.0.tgz").write_bytes(b"mine")
    refused = packyard("chart", "pull", name, out, "-r", place)
    assert (refused.code, refused.out) == (1, "")
    assert "move it away" in refused.err

    assert said(packyard("chart", "delete", f"{name}:1.10.0", "-r", place))[0][0] == "deleted"
    gone = packyard("chart", "delete", f"{name}:1.10.0", "-r", place)
    assert gone.code == 1
    assert packyard("chart", "pull", f"{name}:1.10.0", tmp_path, "-r", place).code == 1


def test_other_content_is_replaced_by_force_only(
    packyard: Program, place: str, name: str, tmp_path: Path
) -> None:
    first = save(tmp_path, archive(name), "first.tgz")
    other = save(tmp_path, archive(name, content="other"), "other.tgz")
    good = save(tmp_path, archive(name, "9.0.0"), "good.tgz")
    packyard("chart", "push", "-r", place, first)
    refused = packyard("chart", "push", "-r", place, other, good)
    assert refused.code == 1
    assert [line.split()[:2] for line in refused.out.splitlines()] == [["pushed", f"{name}:9.0.0"]]
    for path in (first, other):
        assert digest_of(path.read_bytes()) in refused.err
    replaced = said(packyard("chart", "push", "-f", "-r", place, other))
    assert replaced[0][0] == "replaced"
    assert packyard("chart", "pull", f"{name}:1.2.0", tmp_path, "-r", place).code == 0
    assert (tmp_path / f"{name}-1.2.0.tgz").read_bytes() == other.read_bytes()


def test_a_provenance_file_follows_its_chart(
    packyard: Program, place: str, name: str, tmp_path: Path
) -> None:
    data = archive(name)
    path = save(tmp_path, data, "one.tgz")
    packyard("chart", "push", "-r", place, path)
    save(tmp_path, data, "one.tgz", signed=provenance(data, name))
    assert said(packyard("chart", "push", "-r", place, path))[0][0] in ("pushed", "replaced")
    out = tmp_path / "out"
    packyard("chart", "pull", name, out, "-r", place)
    assert (out / f"{name}-1.2.0.tgz.prov").read_bytes() == provenance(data, name)


def test_what_is_no_chart_is_told_whole_and_nothing_is_sent(
    packyard: Program, tmp_path: Path
) -> None:
    broken = samples.tarball({"web/Chart.yaml": "name: a/b\nversion: one\n"})
    path = save(tmp_path, broken, "web.tgz", signed=b"none")
    done = packyard("chart", "push", "-r", "registry.example.com", path)
    assert done.code == 1
    assert "refused for 3 reasons" in done.err
    for rule in ("chart.name", "chart.version", "chart.provenance"):
        assert f"[{rule}]" in done.err
    assert packyard("chart", "push", tmp_path / "absent.tgz").code == 2
    assert packyard("chart", "push", tmp_path).code == 2


@pytest.mark.parametrize(
    "words",
    [
        ["delete", "web"],
        ["delete", "a/web:1.2.0"],
        ["pull", ":1.2.0", "."],
        ["ls", "--clashes", "-r", "oci://registry.example.com"],
    ],
)
def test_usage_errors(packyard: Program, words: list[str]) -> None:
    done = packyard("chart", *words)
    assert (done.code, done.out) == (2, ""), done.err


def test_clashes_are_listed_by_our_server(packyard: Program, server: Live, tmp_path: Path) -> None:
    login = ["registry", "login", server.host, "-u", "admin", "--password-stdin"]
    packyard(*login, stdin=server.admin_password)
    name = "clashing"
    assert "no clashes" in packyard("chart", "ls", "--clashes", "-n", name).err
    chart = "charts/clashing-1.2.0.tgz"
    files = samples.chart_pack(name="holder", charts=[chart])
    pack = write({**files, chart: File(archive(name, content="carried"))}, tmp_path / "holder")
    assert packyard("pack", "push", pack).code == 0
    mine = save(tmp_path, archive(name), "mine.tgz")
    assert said(packyard("chart", "push", mine))[0][0] == "pushed"
    table = packyard("chart", "ls", "--clashes", "-n", name)
    assert [line.split()[:3] for line in table.out.splitlines()] == [
        ["NAME", "VERSION", "INDEX"],
        [name, "1.2.0", "listed"],
        [name, "1.2.0", "hidden"],
    ]
    assert "charts/clashing:1.2.0" in table.out
    assert "charts/clashing-1.2.0.tgz in the pack holder:1.2.3" in table.out
    (clash,) = json.loads(packyard("chart", "ls", "--clashes", "-n", name, "-o", "json").out)
    assert clash["listed"]["digest"] == digest_of(archive(name))
    (hidden,) = clash["hidden"]
    assert hidden["repository"] == repository("holder")

    assert said(packyard("chart", "delete", f"{name}:1.2.0"))[0][0] == "deleted"
    listed = said(packyard("chart", "ls", "-n", name))
    assert listed[1][:3] == [name, "1.2.0", "holder:1.2.3"]
    refused = packyard("chart", "delete", f"{name}:1.2.0")
    assert refused.code == 1
    assert "carried by the pack holder:1.2.3 only" in refused.err
