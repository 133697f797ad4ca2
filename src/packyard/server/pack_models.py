"""The pack API's answers as JSON: what `server/packs.py` sends, and what OpenAPI says of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from packyard.catalog.entries import Contents, Entry, FileInfo
from packyard.storage.content import moment


class Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class CatalogMetadata(Model):
    last_updated_time: str = Field(description="RFC 3339, of the newest push.")


class CatalogAnswer(Model):
    metadata: CatalogMetadata
    repositories: list[str] = Field(description="Names of packs.")


class PackModel(Model):
    """One version of a pack."""

    uid: str
    name: str
    display_name: str
    version: str
    group: str
    tag: str = Field(description="[group__]version, the tag of this version.")
    tags: list[str] = Field(description="Every tag that leads here.")
    layer: str
    addon_type: str
    addon_sub_type: str
    cloud_types: list[str]
    system_state: str = Field(description="Empty, deprecated or deleted.")
    annotations: dict[str, str]
    digest: str = Field(description="Of the manifest.")
    content_digest: str = Field(description="Of the files, whatever compressed them.")
    size: int = Field(description="Bytes of the archive.")
    message: str
    pushed_by: str
    pushed_at: str

    @classmethod
    def of(cls, entry: Entry, tags: Sequence[str]) -> PackModel:
        return cls(
            uid=entry.uid,
            name=entry.name,
            display_name=entry.display_name,
            version=entry.version,
            group=entry.group,
            tag=entry.label,
            tags=list(tags),
            layer=entry.layer,
            addon_type=entry.addon_type,
            addon_sub_type=entry.addon_sub_type,
            cloud_types=list(entry.clouds),
            system_state=entry.system_state,
            annotations=dict(entry.annotations),
            digest=entry.digest,
            content_digest=entry.content_digest,
            size=entry.size,
            message=entry.message,
            pushed_by=entry.pushed_by,
            pushed_at=timestamp(entry.pushed_at),
        )


class PackPage(Model):
    items: list[PackModel]
    next: str = Field(description="Pass as `after` for the next page; empty at the last one.")


class TagModel(Model):
    tag: str
    version: str = Field(description="The version that the tag leads to.")
    group: str
    digest: str
    parent: bool = Field(description="Moved by the registry to the highest version below it.")


class PackTags(Model):
    name: str
    tags: list[TagModel]


class FileModel(Model):
    path: str
    size: int
    executable: bool

    @classmethod
    def of(cls, info: FileInfo) -> FileModel:
        return cls(path=info.path, size=info.size, executable=info.executable)


class PackDetails(PackModel):
    """One version with what people read of it; an absent file is an empty text."""

    pack_json: str
    values: str
    readme: str
    # Not named `schema`, which pydantic's own models once had.
    schema_text: str = Field(alias="schema")
    presets: str
    files: list[FileModel]

    @classmethod
    def of_contents(cls, entry: Entry, contents: Contents, tags: Sequence[str]) -> PackDetails:
        return cls(
            **PackModel.of(entry, tags).model_dump(),
            pack_json=contents.pack_json,
            values=contents.values,
            readme=contents.readme,
            schema=contents.schema,
            presets=contents.presets,
            files=[FileModel.of(info) for info in contents.files],
        )


class NewTag(Model):
    tag: str = Field(description="A tag of this pack that exists already.")


class PushAnswer(Model):
    name: str
    tag: str
    digest: str
    content_digest: str
    created: bool = Field(description="False where identical content was there already.")
    findings: list[dict[str, Any]] = Field(description="Warnings of the check.")


class Problem(Model):
    """Every refusal."""

    code: str
    message: str
    details: dict[str, Any]
    ref: str = Field(description="The request's id, as in the server's log.")


def refusals(*codes: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of answers by these codes: each is a `Problem`, by the name of its schema.

    Given the class itself, FastAPI makes a model anew for every code of every route: of a thousand
    equal ones, a fifth of the time that a server takes to start.
    """
    schema = {"$ref": "#/components/schemas/Problem"}
    return {code: {"content": {"application/json": {"schema": schema}}} for code in codes}


class Health(Model):
    status: str


def timestamp(microseconds: int) -> str:
    """RFC 3339 with milliseconds and Z; empty for 0."""
    if not microseconds:
        return ""
    written = moment(microseconds).isoformat(timespec="milliseconds")
    return written.replace("+00:00", "Z")
