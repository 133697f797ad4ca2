"""Small packs of our own making, their archives (also hostile ones), and their push over OCI."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zlib
from collections.abc import Iterable, Mapping

import httpx

from tests.wire.oci import Content, Repo, descriptor, manifest

HOME = "spectro-packs/archive"
UNKNOWN_CONFIG = "application/vnd.unknown.config.v1+json"
TAR = "application/vnd.oci.image.layer.v1.tar"
TAR_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"


def files(name: str, version: str, **fields: object) -> dict[str, bytes]:
    """A pack that nothing is wrong with; `fields` go into its pack.json."""
    described = {
        "name": name,
        "displayName": name.title(),
        "version": version,
        "layer": "addon",
        "addonType": "system app",
        "cloudTypes": ["all"],
        "kubeManifests": ["manifests/settings.yaml"],
        **fields,
    }
    return {
        "pack.json": json.dumps(described, indent=2).encode(),
        "values.yaml": b"pack:\n  namespace: demo\n",
        "manifests/settings.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
        "README.md": f"# {name}\n".encode(),
        "logo.png": b"\x89PNG\r\n\x1a\n" + bytes(20),
    }


def entry(path: str, data: bytes = b"", **changed: object) -> tuple[tarfile.TarInfo, bytes]:
    """One member of a tar; `changed` sets fields of its header."""
    info = tarfile.TarInfo(path)
    info.size = len(data)
    info.mode = 0o644
    for field, value in changed.items():
        setattr(info, field, value)
    return info, data


def tar(members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data) if data else None)
    return out.getvalue()


def archive(
    content: Mapping[str, bytes],
    top: str = "folder",
    more: Iterable[tuple[tarfile.TarInfo, bytes]] = (),
) -> bytes:
    """A gzipped tar of the files in a folder `top` (or at the root, where it is empty)."""
    prefix = f"{top}/" if top else ""
    members = [entry(prefix + path, data) for path, data in sorted(content.items())]
    return gzip.compress(tar([*members, *more]), 1)


def crowd(count: int) -> bytes:
    """The headers of so many empty files in `folder`, made from one (tarfile takes seconds)."""
    name = b"folder/f000000"
    header = tarfile.TarInfo(name.decode()).tobuf(tarfile.USTAR_FORMAT)
    zeros = int(header[148:154], 8)
    made = bytearray()
    for number in range(count):
        digits = b"%06d" % number
        checksum = b"%06o" % (zeros + sum(digits) - 6 * ord("0"))
        made += name[:-6] + digits + header[len(name) : 148] + checksum + header[154:]
    return bytes(made)


def growing(head: bytes, size: int) -> bytes:
    """A gzip of `head` and then `size` zeros, made from few bytes and little work."""
    step = 16 * 1024 * 1024
    block = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = block.compress(bytes(step)) + block.flush()
    return gzip.compress(head) + zeros * (size // step)


def described(
    layer: bytes,
    name: str = "pack",
    version: str = "1.0.0",
    config_type: str = UNKNOWN_CONFIG,
    layer_type: str = TAR_GZIP,
) -> Content:
    """The OCI manifest of a pack."""
    title = {"org.opencontainers.image.title": f"{name}-{version}.tar.gz"}
    return manifest(
        {
            "config": descriptor(config_type, b"{}"),
            "layers": [descriptor(layer_type, layer, annotations=title)],
        }
    )


def content(repo: Repo, layer: bytes, *more: str, **kinds: str) -> Content:
    """As `described`, its blobs pushed, itself not."""
    for data in (b"{}", layer):
        repo.push(data)
    return described(layer, *more, **kinds)


def push(
    client: httpx.Client, name: str, version: str, tag: str | None = None, **fields: object
) -> tuple[Content, httpx.Response]:
    """Push a good pack as oras does, under `tag` (its version unless given)."""
    repo = Repo(client, f"{HOME}/{name}")
    made = content(repo, archive(files(name, version, **fields)), name, version)
    return made, repo.put(tag or version, made)


def catalog(client: httpx.Client) -> list[str]:
    answer = client.get("/v1/_catalog")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["repositories"])
