"""A pack in its OCI form at a registry that may hold anything."""

from __future__ import annotations

import io
import json

import pytest

from packyard.digests import digest_of
from packyard.errors import Conflict, ContentRefused, ManifestInvalid, RemoteFailed, TooLarge
from packyard.packs import artifact
from packyard.packs.archive import content_digest, write_archive
from packyard.packs.files import Files, Limits
from packyard.packs.model import parse_pack_json
from packyard.references import parse_repo, parse_tag
from packyard.remotes.oci import Repository
from packyard.remotes.pack import PulledPack, newest, prepare, pull, push
from tests.packs import samples
from tests.remotes.scripted import Reply, Request, talking

FILES = samples.pack(version="1.0.0")
TAG = parse_tag("1.0.0")


def archive_of(files: Files) -> bytes:
    out = io.BytesIO()
    write_archive(files, "any", out)
    return out.getvalue()


def manifest_of(
    archive: bytes, annotations: dict[str, str] | None = None, *, layers: int = 1
) -> dict[str, object]:
    layer = {
        "mediaType": artifact.TAR_GZIP_TYPE,
        "digest": digest_of(archive),
        "size": len(archive),
    }
    return {"schemaVersion": 2, "layers": [layer] * layers, "annotations": annotations or {}}


def pulled(manifest: object, archive: bytes, limits: Limits | None = None) -> PulledPack:
    """Pull from a registry that answers with these."""

    def script(request: Request) -> Reply:
        body = json.dumps(manifest).encode() if "/manifests/" in request.path else archive
        return Reply(body=body)

    with talking(script) as (_server, client):
        repository = Repository(client, parse_repo("spectro-packs/archive/sample"))
        return pull(repository, TAG, watch=lambda _: None, limits=limits)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("1.9.0 1.10.0 1.10.x 1.x stable", "1.10.0"),
        ("26.04.4 26.4.3 26.x", "26.04.4"),
        ("2.0.0-rc.1 1.9", "2.0.0-rc.1"),
        ("LTS__2.0.0 2.0.0", "2.0.0"),
        ("LTS__2.1.0 2.0.0", "LTS__2.1.0"),
        ("1.0.0_b2 1.0.0-up.3", "1.0.0_b2"),
        ("stable 1.x", None),
        ("", None),
    ],
)
def test_the_newest_is_the_highest_version(tags: str, expected: str | None) -> None:
    assert newest(parse_tag(tag) for tag in tags.split()) == expected


def test_a_pack_comes_back_as_its_files() -> None:
    archive = archive_of(FILES)
    got = pulled(manifest_of(archive), archive)
    assert got.files == FILES
    assert got.content_digest == content_digest(FILES)
    assert (got.pack.name, got.pack.version) == ("sample", "1.0.0")


def test_a_stated_content_digest_that_is_wrong_is_refused() -> None:
    archive = archive_of(FILES)
    lie: dict[str, str] = {artifact.CONTENT_DIGEST: digest_of(b"")}
    with pytest.raises(RemoteFailed, match="says that its content is"):
        pulled(manifest_of(archive, lie), archive)


@pytest.mark.parametrize(
    "manifest",
    [
        {},
        [],
        {"layers": []},
        {"layers": None},
        {"layers": [7]},
        {"manifests": []},
        manifest_of(b"x", layers=2),
        {"layers": [{"mediaType": "application/x", "digest": digest_of(b""), "size": 0}]},
        {"layers": [{"mediaType": artifact.TAR_TYPE, "digest": "md5:0", "size": 0}]},
        {"layers": [{"mediaType": artifact.TAR_TYPE, "digest": digest_of(b""), "size": "0"}]},
    ],
)
def test_what_has_not_the_form_of_a_pack_is_refused(manifest: object) -> None:
    with pytest.raises(ManifestInvalid, match="is no pack"):
        pulled(manifest, b"")


def test_an_archive_over_the_limit_is_not_fetched() -> None:
    archive = archive_of(FILES)
    with pytest.raises(TooLarge):
        pulled(manifest_of(archive), archive, Limits(max_bytes=100))


def test_a_broken_archive_is_refused_with_findings() -> None:
    with pytest.raises(ContentRefused) as refused:
        pulled(manifest_of(b"no archive"), b"no archive")
    assert refused.value.findings


def test_something_else_under_the_tag_is_other_content() -> None:
    """An image there is not silently replaced, and its manifest's digest is named."""
    image = json.dumps({"layers": []}).encode()
    pack, _ = parse_pack_json(FILES["pack.json"].data)
    assert pack
    with talking(lambda _: Reply(body=image)) as (_server, client):
        repository = Repository(client, parse_repo("spectro-packs/archive/sample"))
        with pytest.raises(Conflict, match=digest_of(image)):
            push(repository, prepare(pack, FILES), watch=lambda _: None)


def test_the_same_files_are_prepared_to_the_same_bytes() -> None:
    pack, _ = parse_pack_json(FILES["pack.json"].data)
    assert pack
    assert prepare(pack, FILES) == prepare(pack, dict(reversed(list(FILES.items()))))
