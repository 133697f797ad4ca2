"""What an upload brings: an archive as the body, or a form with it and its provenance file."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from packyard.errors import ParameterInvalid
from packyard.server import bodies

CHART, PROVENANCE = "chart", "prov"


@dataclass(frozen=True, slots=True)
class Upload:
    """At least one of the two is there. `file` is what the archive's file is called, if told."""

    archive: bytes | None = field(repr=False)
    provenance: bytes | None = field(default=None, repr=False)
    file: str = ""


async def read_upload(request: Request, limit: int) -> Upload:
    """Raises `TooLarge` for a body over `limit` bytes, and `ParameterInvalid`."""
    body = await bodies.whole(request, limit, "The upload")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "multipart/form-data":
        return Upload(body)
    files = await _files(request, body)
    found = {name: files.get(name, []) for name in (CHART, PROVENANCE)}
    for name, values in found.items():
        if len(values) > 1:
            raise ParameterInvalid(f"{len(values)} files are in the field {name}: send one.")
    archive, provenance = (next(iter(values), None) for values in found.values())
    if archive is None and provenance is None:
        raise ParameterInvalid(
            f"There is no file in the fields {CHART} and {PROVENANCE} of the form: send a chart's "
            "archive, its provenance file, or both."
        )
    return Upload(
        archive=archive.data if archive else None,
        provenance=provenance.data if provenance else None,
        file=archive.name if archive else "",
    )


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    data: bytes


async def _files(request: Request, body: bytes) -> dict[str, list[_File]]:
    """The files of a form by their fields; of a name that is a path, the last part."""

    async def once() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        form = await MultiPartParser(request.headers, once()).parse()
    except MultiPartException as error:
        raise ParameterInvalid(f"The form cannot be read: {error.message}") from None
    files: dict[str, list[_File]] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            file = re.split(r"[/\\]", value.filename or "")[-1]
            files.setdefault(name, []).append(_File(file, await value.read()))
    await form.close()
    return files
