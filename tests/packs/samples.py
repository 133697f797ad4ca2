"""Small packs of our own making, as builders: a test says only what is special about its pack."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

from packyard.packs.files import File, Files

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
JPEG = b"\xff\xd8\xff\xe0" + bytes(16)


def pack_json(**changes: object) -> bytes:
    """A good pack.json with `changes`; a property set to None is left out."""
    properties: dict[str, object] = {
        "name": "sample",
        "displayName": "Sample",
        "version": "1.2.3",
        "layer": "addon",
        "addonType": "system app",
        "cloudTypes": ["all"],
        "annotations": {"source": "community"},
        "kubeManifests": ["manifests/sample.yaml"],
    }
    kept = {key: value for key, value in (properties | changes).items() if value is not None}
    return json.dumps(kept, indent=2).encode()


def pack(changed: Mapping[str, bytes | str | None] | None = None, **changes: object) -> Files:
    """A pack that lint has nothing to say about, but for `changed` files (None removes one)
    and `changes` of pack.json."""
    contents: dict[str, bytes | str | None] = {
        "pack.json": pack_json(**changes),
        "values.yaml": "pack:\n  namespace: sample\nmanifests:\n  sample:\n    port: 80\n",
        "manifests/sample.yaml": "kind: ConfigMap\ndata: {port: '{{ .Values.port }}'}\n",
        "README.md": "# Sample\n",
        "logo.png": PNG,
    }
    return {
        path: File(content.encode() if isinstance(content, str) else content)
        for path, content in sorted((contents | dict(changed or {})).items())
        if content is not None
    }


def chart(name: str, version: str = "1.0.0", *, top: str | None = None) -> bytes:
    """A packaged chart; `top` is the folder at its top, by default its name, "." for none."""
    folder = name if top is None else top
    text = f"apiVersion: v2\nname: {name}\nversion: {version}\n"
    return tarball({f"{folder}/Chart.yaml": text, f"{folder}/values.yaml": "a: 1\n"})


def chart_pack(changed: Mapping[str, bytes | str | None] | None = None, **changes: object) -> Files:
    """A pack of one chart, `engine`, in `charts/engine-1.0.0.tgz`."""
    contents: dict[str, bytes | str | None] = {
        "charts/engine-1.0.0.tgz": chart("engine"),
        "manifests/sample.yaml": None,
        "values.yaml": "pack:\n  namespace: sample\ncharts:\n  engine:\n    a: 2\n",
    }
    properties = {"charts": ["charts/engine-1.0.0.tgz"], "kubeManifests": None}
    return pack(contents | dict(changed or {}), **(properties | changes))


def tarball(contents: Mapping[str, bytes | str]) -> bytes:
    """A gzipped tar of regular files, as another program writes it."""
    members = [(tarfile.TarInfo(path), content) for path, content in contents.items()]
    return gzip.compress(raw_tar(members))


def raw_tar(
    members: list[tuple[tarfile.TarInfo, bytes | str]], tar_format: int = tarfile.PAX_FORMAT
) -> bytes:
    """An uncompressed tar of any kind of members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tar_format) as archive:
        for info, content in members:
            data = content.encode() if isinstance(content, str) else content
            if info.isreg():
                info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def write(files: Files, folder: Path) -> Path:
    """The files below `folder`, by plain means."""
    for path, file in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.data)
        target.chmod(0o755 if file.executable else 0o644)
    return folder
