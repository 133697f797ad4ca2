"""Profiles as documents: imported from JSON or YAML, and exported, as Terraform too.

What is imported is told apart by its content, for clients say `json` of YAML, too; a configuration
of Terraform has one form, whichever is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Request, Response
from starlette.datastructures import UploadFile

from packyard.errors import ParameterInvalid
from packyard.findings import Finding, Severity, refusals
from packyard.hub import exchange
from packyard.hub.composing import refused
from packyard.hub.exchange import Choice
from packyard.hub.profiles import Kept
from packyard.profiles.exchange import as_json, as_yaml, export, profile_of, registry_data
from packyard.profiles.fields import read_document
from packyard.profiles.model import Profile
from packyard.profiles.terraform import terraform
from packyard.server.hub.forms import Form, Uid
from packyard.server.hub.profiles.access import Readable, router_at
from packyard.server.hub.profiles.whole import Publish
from packyard.server.hub.scope import Editing, Reading
from packyard.server.packs import Wired
from packyard.server.parts import Parts

router = router_at("/v1/clusterprofiles")
_FIELD = "importFile"
_BINARY = "application/octet-stream"
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
_DOCUMENT = {"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}}
_UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {_FIELD: {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {_BINARY: {"schema": {"type": "string", "format": "binary"}}}}
}

Format = Literal["json", "yaml"]


class Origin(Form):
    """Where the pack of an imported layer comes from here."""

    name: str
    registry_uid: str
    registry_name: str


class Imported(Uid):
    layers: list[Origin]


async def _body(request: Request) -> bytes:
    return await request.body()


async def _upload(request: Request) -> bytes:
    """The part that holds the file, whatever its name and type say."""
    form = await request.form()
    part = form.get(_FIELD)
    if part is None:
        raise ParameterInvalid(f"The form has no part {_FIELD}, which holds the profile.")
    return await part.read() if isinstance(part, UploadFile) else part.encode()


Document = Annotated[bytes, Depends(_body)]
Upload = Annotated[bytes, Depends(_upload)]


@router.post("/import", status_code=201, openapi_extra=_DOCUMENT)
def import_document(
    parts: Wired, caller: Editing, data: Document, *, publish: Publish = False
) -> Imported:
    """Make a profile of an exported one; nothing is stored unless all of it can be."""
    return _import(parts, data, caller.project, publish=publish)


@router.post("/import/file", status_code=201, openapi_extra=_UPLOAD)
def import_file(
    parts: Wired,
    caller: Editing,
    data: Upload,
    *,
    publish: Publish = False,
) -> Imported:
    """The same of a file."""
    return _import(parts, data, caller.project, publish=publish)


@router.post("/import/validate", openapi_extra=_DOCUMENT)
def validate_import(parts: Wired, caller: Reading, data: Document) -> dict[str, Any]:
    """The same document, with the registries that hold each pack: one settles it, several are a
    choice, none is a pack that is missing."""
    document, profile = _read(data)
    choice = parts.profiles.check_document(profile, caller.project)
    return _with_registries(document, choice)


@router.get("/{uid}/export", response_class=Response, responses=_FILE)
def export_document(
    parts: Wired,
    kept: Readable,
    format: Annotated[Format, Query()] = "json",  # noqa: A002
) -> Response:
    """A document with everything in it; secrets are masked."""
    with parts.store.read() as connection:
        profile, contents = exchange.told(connection, kept.laid(published=True))
    data = export(profile, contents)
    text = as_json(data) if format == "json" else as_yaml(data)
    return _file(kept, text, format)


@router.get("/{uid}/export/terraform", response_class=Response, responses=_FILE)
def export_terraform(parts: Wired, kept: Readable) -> Response:
    """A Terraform configuration; secrets are variables of it."""
    with parts.store.read() as connection:
        profile, contents = exchange.told(connection, kept.laid(published=True))
    return _file(kept, terraform(profile, contents), "tf")


def _import(parts: Parts, data: bytes, project: str, *, publish: bool) -> Imported:
    _, profile = _read(data)
    kept, choice = parts.profiles.take_in(profile, project, publish=publish)
    return Imported(
        uid=kept.uid,
        layers=[
            Origin(
                name=one.layer.name,
                registry_uid=one.taken.registry.uid,
                registry_name=one.taken.registry.name,
            )
            for one in choice
            if one.taken
        ],
    )


def _read(data: bytes) -> tuple[Mapping[str, Any], Profile]:
    """Raises `ProfileRefused` where it is no exported profile."""
    fields, findings = read_document(data, "the document")
    if fields is None or refusals(findings):
        raise _no_export(findings)
    profile = profile_of(fields)
    if refusals(findings):
        raise _no_export(findings)
    return fields.data, profile


def _no_export(findings: list[Finding]) -> Exception:
    return refused("The document cannot be imported", findings, (Severity.REFUSE,))


def _with_registries(document: Mapping[str, Any], choice: list[Choice]) -> dict[str, Any]:
    template = document["spec"]["template"]
    maps = iter(choice)
    packs = [_with_choice(pack, next(maps)) for pack in template["packs"] if _is_map(pack)]
    spec = {**document["spec"], "template": {**template, "packs": packs}}
    return {**document, "spec": spec}


def _is_map(value: object) -> bool:
    return isinstance(value, Mapping)


def _with_choice(pack: Mapping[str, Any], choice: Choice) -> dict[str, Any]:
    given = pack.get("registry")
    matching = [registry_data(one.registry) for one in choice.matching]
    registry = {**(given if isinstance(given, Mapping) else {}), "matchingRegistries": matching}
    return {**pack, "registry": registry}


def _file(kept: Kept, text: str, ending: str) -> Response:
    profile = kept.profile
    name = _UNFIT.sub("-", f"{profile.name}-{profile.version}").strip("-.") or "profile"
    headers = {"Content-Disposition": f'attachment; filename="{name}.{ending}"'}
    return Response(text.encode(), media_type=_BINARY, headers=headers)
