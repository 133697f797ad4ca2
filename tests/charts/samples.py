"""Small charts of our own, packed as `helm package` packs them."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping

CHART = "apiVersion: v2\nname: {name}\nversion: 1.0.0\n"

CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  colour: {{ .Values.colour | quote }}
"""


def chart(
    templates: Mapping[str, str | bytes] | None = None,
    *,
    name: str = "sample",
    about: str = "",
    values: str = "",
    files: Mapping[str, str | bytes] | None = None,
) -> bytes:
    """A chart's archive; `about` is added to its Chart.yaml, `files` are named in full."""
    contents: dict[str, str | bytes] = {"Chart.yaml": CHART.format(name=name) + about}
    if values:
        contents["values.yaml"] = values
    contents |= {f"templates/{path}": text for path, text in (templates or {}).items()}
    return packed({f"{name}/{path}": data for path, data in (contents | dict(files or {})).items()})


def packed(files: Mapping[str, str | bytes], *, level: int = 6) -> bytes:
    """A gzipped tar file of exactly these members; the same bytes each time."""
    out = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", compresslevel=level, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w") as tar,
    ):
        for path, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(path)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()
