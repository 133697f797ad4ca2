"""Pushing, to a foreign registry; what only our own server does stands in test_own_server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from packyard.digests import digest_of
from packyard.packs.archive import content_digest, write_archive
from packyard.packs.artifact import repository
from packyard.packs.folder import read_folder
from packyard.references import parse_tag
from packyard.remotes.address import parse_address
from packyard.remotes.challenge import Credentials
from packyard.remotes.client import Client
from packyard.remotes.oci import Received, Repository
from packyard.remotes.transfer import push_blob
from tests.cli.program import Program, make_pack
from tests.remotes.distribution import PASSWORD, USER
from tests.remotes.scripted import Reply, Request, answering


def at(target: str, name: str, tag: str) -> Received:
    """The manifest that a foreign registry holds."""
    address = parse_address(target)
    with Client(address, Credentials(USER, PASSWORD)) as client:
        return Repository(client, repository(name, address.base)).manifest(parse_tag(tag))


def test_a_pack_is_pushed_in_its_oci_form(foreign: str, packyard: Program, tmp_path: Path) -> None:
    folder = make_pack(tmp_path / "any-name", "demo", "1.0.0+b1", group="LTS")
    done = packyard("pack", "push", "-r", foreign, "-m", "first", folder)
    received = at(foreign, "demo", "LTS__1.0.0_b1")
    assert (done.code, done.err) == (0, "")
    assert done.out == f"pushed     demo:LTS__1.0.0_b1  {received.digest}\n"
    manifest = json.loads(received.content)
    assert manifest["config"] == {
        "mediaType": "application/vnd.unknown.config.v1+json",
        "digest": digest_of(b"{}"),
        "size": 2,
    }
    (layer,) = manifest["layers"]
    assert layer["mediaType"] == "application/vnd.oci.image.layer.v1.tar+gzip"
    title = {"org.opencontainers.image.title": "demo-1.0.0+b1.tar.gz"}
    assert layer["annotations"] == title
    assert manifest["annotations"] == {
        "dev.packyard.content-digest": content_digest(read_folder(folder)),
        "dev.packyard.message": "first",
    }


@pytest.mark.parametrize("words", [[], ["-f", "-m", "again"], ["-m", "other words"]])
def test_identical_content_is_nothing_to_do(
    words: list[str], foreign: str, packyard: Program, tmp_path: Path
) -> None:
    folder = make_pack(tmp_path / "demo", "demo", "1.0.0")
    packyard("pack", "push", "-r", foreign, folder)
    before = at(foreign, "demo", "1.0.0")
    done = packyard("pack", "push", "-r", foreign, *words, folder)
    assert (done.code, done.out) == (0, f"unchanged  demo:1.0.0  {before.digest}\n")
    assert at(foreign, "demo", "1.0.0") == before


def test_other_content_needs_force_and_a_message(
    foreign: str, packyard: Program, tmp_path: Path
) -> None:
    one = make_pack(tmp_path / "one", "demo", "1.0.0")
    two = make_pack(tmp_path / "two", "demo", "1.0.0", displayName="Changed")
    packyard("pack", "push", "-r", foreign, one)
    refused = packyard("pack", "push", "-r", foreign, two)
    assert (refused.code, refused.out) == (1, "")
    for folder in (one, two):
        assert content_digest(read_folder(folder)) in refused.err
    assert "--force" in refused.err
    speechless = packyard("pack", "push", "-r", foreign, "--force", two)
    assert (speechless.code, speechless.out) == (2, "")
    forced = packyard("pack", "push", "-r", foreign, "--force", "-m", "better", two)
    assert (forced.code, forced.out[:9]) == (0, "replaced ")
    assert b"better" in at(foreign, "demo", "1.0.0").content


def test_without_comparing_even_identical_content_needs_force(
    foreign: str, packyard: Program, tmp_path: Path
) -> None:
    folder = make_pack(tmp_path / "demo", "demo", "1.0.0")
    words = ["pack", "push", "-r", foreign, "--skip-digest-check"]
    assert packyard(*words, folder).code == 0
    assert packyard(*words, folder).code == 1
    assert packyard(*words, "-f", "-m", "anew", folder).out.startswith("replaced ")


def test_content_pushed_by_another_program_is_compared_by_its_files(
    foreign: str, packyard: Program, tmp_path: Path
) -> None:
    folder = make_pack(tmp_path / "demo", "demo", "1.0.0")
    archive = tmp_path / "foreign.tar.gz"
    with archive.open("wb") as out:
        write_archive(read_folder(folder), "another-top-folder", out)
    data = archive.read_bytes()
    layer = {
        "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
        "digest": digest_of(data),
        "size": len(data),
    }
    config = {
        "mediaType": "application/vnd.oci.empty.v1+json",
        "digest": digest_of(b"{}"),
        "size": 2,
    }
    manifest_type = "application/vnd.oci.image.manifest.v1+json"
    manifest = {
        "schemaVersion": 2,
        "mediaType": manifest_type,
        "config": config,
        "layers": [layer],
    }
    address = parse_address(foreign)
    with Client(address, Credentials(USER, PASSWORD)) as client:
        theirs = Repository(client, repository("demo", address.base))
        push_blob(theirs, digest_of(data), data, lambda _: None)
        push_blob(theirs, digest_of(b"{}"), b"{}", lambda _: None)
        theirs.put_manifest(parse_tag("1.0.0"), json.dumps(manifest).encode(), manifest_type)
    assert packyard("pack", "push", "-r", foreign, folder).out.startswith("unchanged ")


def test_a_broken_pack_is_refused_with_everything_and_nothing_is_sent(
    packyard: Program, tmp_path: Path
) -> None:
    folder = make_pack(tmp_path / "demo", "demo", "1.0.0", layer="floor", displayName=7)
    with answering(lambda _: Reply(body=b"{}")) as server:
        done = packyard("pack", "push", "-r", f"http://{server.host}", folder)
    assert (done.code, done.out) == (1, "")
    assert "layer" in done.err
    assert "displayName" in done.err
    assert server.seen() == ["GET /v2/"]


def test_one_failure_does_not_stop_the_others(
    foreign: str, packyard: Program, tmp_path: Path
) -> None:
    good = [make_pack(tmp_path / f"p{n}", f"p{n}", "1.0.0") for n in range(5)]
    bad = make_pack(tmp_path / "bad", "bad", "1.0.0", layer=None)
    done = packyard("pack", "push", "-r", foreign, *good[:2], bad, *good[2:])
    assert done.code == 1
    assert [line.split()[1] for line in done.out.splitlines()] == [f"p{n}:1.0.0" for n in range(5)]
    assert done.err.startswith(f"failed     {bad}: ")
    assert done.err.endswith(f"Error: 1 of 6 packs failed: {bad}\n")


def test_an_archive_is_pushed_like_its_folder(
    foreign: str, packyard: Program, tmp_path: Path
) -> None:
    folder = make_pack(tmp_path / "demo", "demo", "1.0.0")
    archive = tmp_path / "demo.tar.gz"
    with archive.open("wb") as out:
        write_archive(read_folder(folder), "demo", out)
    assert packyard("pack", "push", "-r", foreign, archive).out.startswith("pushed ")
    assert packyard("pack", "push", "-r", foreign, folder).out.startswith("unchanged ")


def test_the_default_registry_is_used(
    foreign: str, closed_registry: str, packyard: Program, tmp_path: Path
) -> None:
    folder = make_pack(tmp_path / "demo", f"demo-{tmp_path.name[-1]}", "1.0.0")
    assert packyard("pack", "push", folder).code == 0


def test_a_folder_that_is_not_there_is_a_usage_error(packyard: Program, tmp_path: Path) -> None:
    done = packyard("pack", "push", tmp_path / "none")
    assert done.code == 2
    assert "does not exist" in done.err


def test_a_server_that_wants_a_login_says_so_once(
    closed_registry: str, packyard: Program, tmp_path: Path
) -> None:
    packs = [make_pack(tmp_path / name, name, "1.0.0") for name in ("a", "b")]
    done = packyard("pack", "push", "-r", closed_registry, *packs)
    assert (done.code, done.out) == (1, "")
    assert done.err.count("packyard registry login") == 1


def test_another_push_of_the_same_tag_that_comes_first_is_not_overwritten(
    packyard: Program, tmp_path: Path
) -> None:
    """The registry answers that nothing is there, then that somebody was faster."""
    mine = make_pack(tmp_path / "demo", "demo", "1.0.0")
    digests = {"same": content_digest(read_folder(mine)), "other": digest_of(b"")}
    for content, code in (("same", 0), ("other", 1)):
        notes = {"annotations": {"dev.packyard.content-digest": digests[content]}}
        theirs = json.dumps(notes).encode()
        raced = False

        def script(request: Request, theirs: bytes = theirs) -> Reply:
            nonlocal raced
            if request.method == "PUT" and "/manifests/" in request.path:
                assert request.headers["if-none-match"] == "*"
                raced = True
                return Reply(412)
            if request.method == "GET" and "/manifests/" in request.path:
                return Reply(200, body=theirs) if raced else Reply(404)
            return Reply(200, body=b"{}")

        with answering(script) as server:
            done = packyard("pack", "push", "-r", f"http://{server.host}", mine)
        assert raced
        assert done.code == code, done.err
