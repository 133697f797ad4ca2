"""Packs pushed over OCI: recognised, checked before anything is stored, tagged by the registry."""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.wire import packs
from tests.wire.oci import EMPTY, IMAGE, Repo, codes, unique
from tests.wire.packs import HOME, TAR, TAR_GZIP, UNKNOWN_CONFIG, archive, entry, files, growing


def of(client: httpx.Client, name: str) -> Repo:
    return Repo(client, f"{HOME}/{name}")


def pointed(repo: Repo, tag: str) -> str | None:
    """The digest that a tag points at, None where there is no such tag."""
    answer = repo.get(tag, "HEAD")
    return answer.headers["docker-content-digest"] if answer.status_code == 200 else None


# What is taken


@pytest.mark.parametrize("config_type", [UNKNOWN_CONFIG, EMPTY])
@pytest.mark.parametrize("layer_type", [TAR, TAR_GZIP])
@pytest.mark.parametrize("top", ["pack-1.0.0", "of another name", ""])
def test_a_pack_pushed_over_oci_is_at_once_in_the_catalog(
    admin: httpx.Client, reader: httpx.Client, config_type: str, layer_type: str, top: str
) -> None:
    name = unique("seen")
    repo = of(admin, name)
    layer = archive(files(name, "1.0.0"), top)
    content = packs.content(repo, layer, name, "1.0.0", config_type, layer_type)
    answer = repo.put("1.0.0", content)
    assert answer.status_code == 201, answer.text
    assert answer.headers["docker-content-digest"] == content.digest()
    assert name in packs.catalog(reader)
    assert repo.get("1.0.0").content == content.body


def test_a_layer_that_is_not_compressed(admin: httpx.Client) -> None:
    name = unique("plain")
    repo = of(admin, name)
    layer = gzip.decompress(archive(files(name, "1.0.0")))
    assert repo.put("1.0.0", packs.content(repo, layer, name, layer_type=TAR)).status_code == 201
    assert name in packs.catalog(admin)


@pytest.mark.parametrize(
    "version", ["1.5", "26.04.4", "2.0.2-up.3", "v1.12.0", "0.30.0-5.5.2026", "1.0.0"]
)
def test_versions_as_authors_write_them(admin: httpx.Client, version: str) -> None:
    name = unique("version")
    content, answer = packs.push(admin, name, version)
    assert answer.status_code == 201, answer.text
    assert of(admin, name).get(version).content == content.body


def test_a_plus_in_a_version_is_an_underscore_in_its_tag(admin: httpx.Client) -> None:
    name = unique("plus")
    _, answer = packs.push(admin, name, "1.2.3+build.5", tag="1.2.3_build.5")
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("group", ["", " "])
def test_a_blank_group_is_none(admin: httpx.Client, group: str) -> None:
    name = unique("blank")
    _, answer = packs.push(admin, name, "9.7.2", group=group)
    assert answer.status_code == 201, answer.text
    assert "9.7.x" in of(admin, name).tags()


ODD_BUT_TAKEN: list[tuple[str, Callable[[dict[str, bytes]], object]]] = [
    ("no README", lambda f: f.pop("README.md")),
    ("no logo", lambda f: f.pop("logo.png")),
    ("empty values", lambda f: f.update({"values.yaml": b""})),
    ("empty schema and presets", lambda f: f.update({"schema.yaml": b"", "presets.yaml": b"# x"})),
    ("merge keys", lambda f: f.update({"values.yaml": b"a: &a {x: 1}\nb:\n  <<: *a\n  y: 2\n"})),
    ("foreign braces", lambda f: f.update({"manifests/settings.yaml": b"a: {{ workflow.x }}"})),
    ("files nobody knows", lambda f: f.update({".hidden/deep/x.bin": bytes(range(256))})),
    ("unknown keys", lambda f: f.update({"pack.json": f["pack.json"][:-2] + b',"other": [1]}'})),
]


@pytest.mark.parametrize(("what", "change"), ODD_BUT_TAKEN, ids=[row[0] for row in ODD_BUT_TAKEN])
def test_oddities_that_are_not_refused(
    admin: httpx.Client, what: str, change: Callable[[dict[str, bytes]], object]
) -> None:
    name = unique("odd")
    repo = of(admin, name)
    made = files(name, "1.0.0")
    change(made)
    answer = repo.put("1.0.0", packs.content(repo, archive(made), name))
    assert answer.status_code == 201, f"{what}: {answer.text}"


def test_a_missing_chart_whose_folder_is_there_is_taken(admin: httpx.Client) -> None:
    name = unique("unpacked")
    repo = of(admin, name)
    made = files(name, "1.0.0", charts=["charts/demo-1.0.0.tgz"])
    chart = b"apiVersion: v2\nname: demo\nversion: 1.0.0\n"
    made["charts/demo/Chart.yaml"] = made["charts/demo-1.0.0/Chart.yaml"] = chart
    answer = repo.put("1.0.0", packs.content(repo, archive(made), name))
    assert answer.status_code == 201, answer.text


# What is refused, with everything that is wrong, and nothing stored


def refuse(
    client: httpx.Client, name: str, layer: bytes, words: tuple[str, ...], tag: str = "1.0.0"
) -> None:
    """Push a layer that must be refused, naming each of `words`; then look for traces."""
    repo = of(client, name)
    content = packs.content(repo, layer, name)
    answer = repo.put(tag, content)
    assert answer.status_code in (400, 409, 422), f"{answer.status_code} {answer.text}"
    assert codes(answer)
    for word in words:
        assert word.lower() in answer.text.lower(), f"{word!r} not in {answer.text}"
    assert repo.get(tag).status_code == 404
    assert repo.get(content.digest()).status_code == 404
    listed = repo.call("GET", "tags/list")
    assert listed.status_code == 404 or listed.json()["tags"] == []
    assert name not in packs.catalog(client)
    assert client.get("/health").status_code == 200


def bomb(levels: int = 9) -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, levels):
        refs = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} [{refs}]")
    return "\n".join(lines).encode()


def described(**fields: object) -> Callable[[dict[str, bytes]], object]:
    """Replace fields of pack.json."""

    def change(made: dict[str, bytes]) -> None:
        full: dict[str, Any] = json.loads(made["pack.json"])
        full.update(fields)
        made["pack.json"] = json.dumps(full).encode()

    return change


def lacking(*names: str) -> Callable[[dict[str, bytes]], object]:
    """Remove fields of pack.json."""

    def change(made: dict[str, bytes]) -> None:
        full: dict[str, Any] = json.loads(made["pack.json"])
        made["pack.json"] = json.dumps({k: v for k, v in full.items() if k not in names}).encode()

    return change


def replaced(path: str, data: bytes) -> Callable[[dict[str, bytes]], object]:
    return lambda made: made.update({path: data})


WRONG: list[tuple[str, Callable[[dict[str, bytes]], object], tuple[str, ...]]] = [
    ("no pack.json", lambda made: made.pop("pack.json"), ("pack.json",)),
    ("pack.json is not JSON", replaced("pack.json", b"{name: x"), ("pack.json",)),
    ("pack.json is empty", replaced("pack.json", b""), ("pack.json",)),
    ("pack.json is a list", replaced("pack.json", b"[]"), ("pack.json",)),
    ("pack.json is no text", replaced("pack.json", b"\xff\xfe\x00"), ("pack.json",)),
    ("pack.json nests deeply", replaced("pack.json", b"[" * 100_000), ("pack.json",)),
    (
        "wrong types",
        described(name=5, version=[], displayName=None, layer=7, cloudTypes=3, charts="x"),
        ("name", "version", "displayName", "layer", "cloudTypes", "charts"),
    ),
    (
        "lacking properties",
        lacking("name", "displayName", "version", "layer"),
        ("name", "displayName", "version", "layer"),
    ),
    ("empty properties", described(displayName="", layer=""), ("displayName", "layer")),
    ("an unknown layer", described(layer="addons"), ("addons", "addon", "k8s")),
    ("a version that is no tag", described(version="1 0 0"), ("1 0 0",)),
    ("an alias bomb", replaced("values.yaml", bomb()), ("values.yaml",)),
    ("a bomb in the schema", replaced("schema.yaml", bomb()), ("schema.yaml",)),
    ("a bomb in the presets", replaced("presets.yaml", bomb()), ("presets.yaml",)),
    ("duplicate keys", replaced("values.yaml", b"a: 1\nb: 2\na: 3\n"), ("values.yaml", "a")),
    ("values that are no YAML", replaced("values.yaml", b"a: [\n"), ("values.yaml",)),
    ("values that are no text", replaced("values.yaml", b"\xff\xfe\xff"), ("values.yaml",)),
    ("values that nest deeply", replaced("values.yaml", b"[" * 50_000), ("values.yaml",)),
    ("a schema that is no YAML", replaced("schema.yaml", b"a: b: c"), ("schema.yaml",)),
    ("presets that are no YAML", replaced("presets.yaml", b"\t- x"), ("presets.yaml",)),
    (
        "missing named files",
        described(charts=["charts/gone.tgz"], kubeManifests=["manifests/none.yaml"]),
        ("charts/gone.tgz", "manifests/none.yaml"),
    ),
    ("a named file outside", described(charts=["../../etc/passwd"]), ("../../etc/passwd",)),
    (
        "several files at once",
        lambda made: made.update(
            {"values.yaml": b"a: [", "schema.yaml": b"a: [", "presets.yaml": b"a: ["}
        ),
        ("values.yaml", "schema.yaml", "presets.yaml"),
    ),
]


@pytest.mark.parametrize(("what", "change", "words"), WRONG, ids=[row[0] for row in WRONG])
def test_a_pack_that_is_wrong_is_refused_with_every_error(
    admin: httpx.Client,
    what: str,
    change: Callable[[dict[str, bytes]], object],
    words: tuple[str, ...],
) -> None:
    name = unique("wrong")
    made = files(name, "1.0.0")
    change(made)
    refuse(admin, name, archive(made), words)


def _member(path: str, data: bytes = b"x", **changed: object) -> Callable[[str], bytes]:
    return lambda name: archive(files(name, "1.0.0"), more=[entry(path, data, **changed)])


def _crowd(name: str) -> bytes:
    pack = gzip.decompress(archive(files(name, "1.0.0")))
    made = gzip.compress(packs.crowd(100_000) + pack, 1)
    assert len(made) < 20_000_000
    return made


def _bomb_file(name: str) -> bytes:
    """A file of 10 GB of zeros, in a header that says so."""
    head = gzip.decompress(archive(files(name, "1.0.0"))).rstrip(b"\0")
    head += bytes(-len(head) % 512)
    size = 10 * 1024**3
    info = tarfile.TarInfo("folder/zeros")
    info.size = size
    return growing(head + info.tobuf(tarfile.GNU_FORMAT), size)


def _padding(name: str) -> bytes:
    """4 GB of zeros after the end of the archive."""
    return growing(gzip.decompress(archive(files(name, "1.0.0"))), 4 * 1024**3)


HOSTILE: list[tuple[str, Callable[[str], bytes]]] = [
    ("a path that climbs", _member("folder/../../etc/evil")),
    ("a path that climbs at its start", _member("../evil")),
    ("an absolute path", _member("/etc/evil")),
    ("a symbolic link", _member("folder/l", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd")),
    ("a link inside", _member("folder/l", b"", type=tarfile.SYMTYPE, linkname="pack.json")),
    ("a hard link", _member("folder/l", b"", type=tarfile.LNKTYPE, linkname="folder/pack.json")),
    ("a character device", _member("folder/d", b"", type=tarfile.CHRTYPE)),
    ("a block device", _member("folder/d", b"", type=tarfile.BLKTYPE)),
    ("a pipe", _member("folder/d", b"", type=tarfile.FIFOTYPE)),
    ("a hundred thousand files", _crowd),
    ("a file of 10 GB of zeros", _bomb_file),
    ("gzip in gzip", lambda name: gzip.compress(archive(files(name, "1.0.0")))),
    ("no archive", lambda _name: b"hello"),
    ("an empty layer", lambda _name: b""),
    ("an empty archive", lambda _name: archive({})),
    ("a cut-off gzip", lambda name: archive(files(name, "1.0.0"))[:-300]),
    (
        "a cut-off tar",
        lambda name: gzip.compress(gzip.decompress(archive(files(name, "1.0.0")))[:2000]),
    ),
    (
        "two packs in one",
        lambda name: archive(
            files(name, "1.0.0"), more=[entry("two/pack.json", files(name, "1")["pack.json"])]
        ),
    ),
]


@pytest.mark.parametrize(("what", "make"), HOSTILE, ids=[row[0] for row in HOSTILE])
def test_a_hostile_or_broken_archive_is_refused(
    admin: httpx.Client, what: str, make: Callable[[str], bytes]
) -> None:
    name = unique("hostile")
    refuse(admin, name, make(name), ())


def test_zeros_without_end_after_an_archive_are_no_way_to_keep_the_server_busy(
    admin: httpx.Client,
) -> None:
    name = unique("padding")
    repo = of(admin, name)
    answer = repo.put("1.0.0", packs.content(repo, _padding(name), name))
    assert answer.status_code in (201, 400, 413, 422)
    assert answer.elapsed.total_seconds() < 10


def test_the_first_tag_is_the_version(admin: httpx.Client) -> None:
    for tag in ("stable", "1.0.1", "latest", "1.x"):
        name = unique("tagged")
        refuse(admin, name, archive(files(name, "1.0.0")), ("1.0.0", tag), tag)


def test_the_first_tag_has_the_group_before_the_version(admin: httpx.Client) -> None:
    name = unique("group")
    refuse(admin, name, archive(files(name, "1.0.0", group="LTS")), ("LTS__1.0.0",), "1.0.0")
    _, answer = packs.push(admin, unique("group"), "1.0.0", "LTS__1.0.0", group="LTS")
    assert answer.status_code == 201, answer.text


def test_the_repository_is_called_as_the_pack(admin: httpx.Client) -> None:
    name = unique("called")
    refuse(admin, name, archive(files("another-name", "1.0.0")), ("another-name", name))


def test_several_layers_are_no_pack(admin: httpx.Client) -> None:
    name = unique("layers")
    repo = of(admin, name)
    layer = archive(files(name, "1.0.0"))
    media = (IMAGE, UNKNOWN_CONFIG, TAR_GZIP)
    answer = repo.put("1.0.0", repo.image(layer, b"second", config=b"{}", media_types=media))
    assert answer.status_code in (400, 422), answer.text
    assert name not in packs.catalog(admin)


def test_a_refused_pack_leaves_the_former_one(admin: httpx.Client) -> None:
    name = unique("former")
    good, answer = packs.push(admin, name, "1.0.0")
    assert answer.status_code == 201
    repo = of(admin, name)
    broken = files(name, "1.0.0")
    broken["values.yaml"] = b"a: ["
    answer = repo.put("1.0.0", packs.content(repo, archive(broken), name))
    assert answer.status_code in (400, 422)
    assert repo.get("1.0.0").content == good.body
    assert sorted(repo.tags()) == ["1.0.0", "1.0.x", "1.x"]


# Parent tags


def test_parent_tags_follow_the_highest_version_below_them(admin: httpx.Client) -> None:
    name = unique("parents")
    repo = of(admin, name)
    made: dict[str, str] = {}
    steps = [
        ("14.4.3", "14.4.3", "14.4.3"),
        ("14.4.10", "14.4.10", "14.4.10"),
        ("14.4.9", "14.4.10", "14.4.10"),
        ("14.5.0", "14.4.10", "14.5.0"),
        ("14.4.11", "14.4.11", "14.5.0"),
        ("14.5.1-rc.1", "14.4.11", "14.5.1-rc.1"),
        ("2.0.0", "14.4.11", "14.5.1-rc.1"),
    ]
    for version, minor, major in steps:
        content, answer = packs.push(admin, name, version)
        assert answer.status_code == 201, answer.text
        made[version] = content.digest()
        assert pointed(repo, "14.4.x") == made[minor], version
        if major != "14.5.1-rc.1":
            assert pointed(repo, "14.x") == made[major], version
    assert pointed(repo, "2.x") == pointed(repo, "2.0.x") == made["2.0.0"]
    assert repo.delete("14.5.0").status_code == 202
    assert repo.delete("14.5.1-rc.1").status_code == 202
    assert pointed(repo, "14.x") == made["14.4.11"]
    assert pointed(repo, "14.5.x") is None
    assert repo.delete("14.4.11").status_code == 202
    assert pointed(repo, "14.4.x") == pointed(repo, "14.x") == made["14.4.10"]


def test_groups_have_parent_tags_of_their_own_without_leading_zeros(admin: httpx.Client) -> None:
    name = unique("lts")
    repo = of(admin, name)
    content, answer = packs.push(admin, name, "22.04.4", "LTS__22.04.4", group="LTS")
    assert answer.status_code == 201, answer.text
    assert sorted(repo.tags()) == ["LTS__22.04.4", "LTS__22.4.x", "LTS__22.x"]
    plain, answer = packs.push(admin, name, "22.04.5")
    assert answer.status_code == 201, answer.text
    assert pointed(repo, "LTS__22.4.x") == pointed(repo, "LTS__22.x") == content.digest()
    assert pointed(repo, "22.4.x") == pointed(repo, "22.x") == plain.digest()


@pytest.mark.parametrize("tag", ["14.4.x", "14.x"])
def test_a_parent_tag_cannot_be_put_elsewhere(admin: httpx.Client, tag: str) -> None:
    name = unique("fixed")
    repo = of(admin, name)
    older, _ = packs.push(admin, name, "14.4.3")
    newer, _ = packs.push(admin, name, "14.4.4")
    answer = repo.put(tag, older)
    assert 400 <= answer.status_code < 500
    assert codes(answer)
    assert pointed(repo, tag) == newer.digest()
    assert repo.put(tag, newer).status_code == 201, "where it points already, a push succeeds"
    answer = repo.put(older.digest(), older, [tag])
    assert 400 <= answer.status_code < 500
    assert pointed(repo, tag) == newer.digest()


@pytest.mark.parametrize("tag", ["14.4.x", "14.x"])
def test_a_parent_tag_is_not_deleted_by_hand(admin: httpx.Client, tag: str) -> None:
    name = unique("kept")
    repo = of(admin, name)
    content, _ = packs.push(admin, name, "14.4.3")
    answer = repo.delete(tag)
    assert 400 <= answer.status_code < 500
    assert codes(answer)
    assert tag in answer.text
    assert pointed(repo, tag) == content.digest()


@pytest.mark.parametrize("by", ["tag", "digest"])
def test_parent_tags_go_with_the_last_version(admin: httpx.Client, by: str) -> None:
    name = unique("last")
    repo = of(admin, name)
    content, _ = packs.push(admin, name, "14.4.3")
    assert repo.delete("14.4.3" if by == "tag" else content.digest()).status_code == 202
    assert not {"14.4.3", "14.4.x", "14.x"} & set(repo.tags())
    if by == "digest":
        assert repo.get(content.digest()).status_code == 404
    assert name not in packs.catalog(admin)


def test_a_pushed_again_version_takes_its_parent_tags_along(admin: httpx.Client) -> None:
    name = unique("again")
    repo = of(admin, name)
    packs.push(admin, name, "1.0.0")
    changed, answer = packs.push(admin, name, "1.0.0", displayName="Changed")
    assert answer.status_code == 201, answer.text
    for tag in ("1.0.0", "1.0.x", "1.x"):
        assert pointed(repo, tag) == changed.digest()


# Tags that people add


def test_tags_are_added_to_a_pack_and_deleted(admin: httpx.Client) -> None:
    name = unique("extra")
    repo = of(admin, name)
    content, _ = packs.push(admin, name, "14.4.3")
    for tag in ("stable", "14.4.3-beta"):
        assert repo.put(tag, content).status_code == 201
        assert pointed(repo, tag) == content.digest()
    newer, _ = packs.push(admin, name, "14.4.4")
    assert repo.put("stable", newer).status_code == 201
    assert pointed(repo, "stable") == newer.digest()
    for tag in ("stable", "14.4.3-beta"):
        assert repo.delete(tag).status_code == 202
        assert pointed(repo, tag) is None
    assert sorted(repo.tags()) == ["14.4.3", "14.4.4", "14.4.x", "14.x"]


def test_an_added_tag_does_not_pull_parent_tags_after_it(admin: httpx.Client) -> None:
    name = unique("label")
    repo = of(admin, name)
    packs.push(admin, name, "1.0.0")
    newer, _ = packs.push(admin, name, "1.0.5")
    older = repo.get("1.0.0").content
    assert repo.get("1.0.x").content == newer.body
    answer = repo.call("PUT", "manifests/99.0.0", content=older, headers={"content-type": IMAGE})
    assert answer.status_code == 201
    assert pointed(repo, "1.x") == newer.digest()


def test_a_tag_for_a_pack_that_is_not_here_is_refused(admin: httpx.Client) -> None:
    name = unique("absent")
    packs.push(admin, name, "1.0.0")
    _, answer = packs.push(admin, name, "2.0.0", tag="stable")
    assert answer.status_code in (400, 409, 422), answer.text
    assert sorted(of(admin, name).tags()) == ["1.0.0", "1.0.x", "1.x"]


# Who may


def test_a_reader_sees_packs_and_changes_none(admin: httpx.Client, reader: httpx.Client) -> None:
    name = unique("roles")
    content, _ = packs.push(admin, name, "1.0.0")
    mine = of(reader, name)
    assert name in packs.catalog(reader)
    assert mine.get("1.0.0").content == content.body
    for answer in (mine.begin(), mine.put("stable", content), mine.delete("1.0.0")):
        assert answer.status_code == 403
        assert codes(answer) == ["DENIED"]
    assert sorted(mine.tags()) == ["1.0.0", "1.0.x", "1.x"]


def test_a_base_path_before_the_packs_is_no_home_of_packs(admin: httpx.Client) -> None:
    """Our own packs live at the top; elsewhere the same artifact is only an artifact."""
    name = unique("elsewhere")
    repo = Repo(admin, f"mirror/{name}")
    content = packs.content(repo, archive(files(name, "1.0.0")), name)
    assert repo.put("any", content).status_code == 201
    assert name not in packs.catalog(admin)
