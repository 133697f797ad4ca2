"""Profiles as wholes: made, read, changed, published, cloned, removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from fastapi import Query

from packyard.auth.principal import Action
from packyard.auth.users import require_projects
from packyard.errors import PackyardError, ParameterInvalid
from packyard.hub import profiles
from packyard.hub.profiles import DESCRIPTION, Kept
from packyard.server.hub.forms import Form, Uid
from packyard.server.hub.profiles import views
from packyard.server.hub.profiles.access import Changeable, Readable, allowed, router_at
from packyard.server.hub.profiles.answers import ProfileModel
from packyard.server.hub.profiles.bodies import (
    BulkBody,
    CloneBody,
    CloneMetadata,
    CloneTarget,
    MetadataBody,
    ObjectMeta,
    ProfileBody,
    SpecBody,
    TemplateBody,
    VersionBody,
)
from packyard.server.hub.scope import Caller, Editing, Reading, Scoped, unknown_project
from packyard.server.packs import Wired

router = router_at("/v1/clusterprofiles")

Publish = Annotated[bool, Query(description="Publish it in the same transaction.")]
PackMeta = Annotated[
    str, Query(alias="includePackMeta", description="Of schema and presets, with a comma between.")
]


class BulkFailure(Form):
    uid: str
    name: str
    err_msg: str


class BulkAnswer(Form):
    deleted_count: int
    is_succeeded: bool
    message: str
    failures: list[BulkFailure]


@router.post("", status_code=201)
def create(parts: Wired, caller: Editing, body: ProfileBody, *, publish: Publish = False) -> Uid:
    """Make a profile in the project, or in the tenant: a draft, unless it is published at once."""
    annotations = (body.metadata or ObjectMeta()).kept_annotations()
    made = parts.profiles.create(body.read(), caller.project, annotations, publish=publish)
    return Uid(uid=made.uid)


@router.delete("/bulk")
def remove_many(parts: Wired, caller: Scoped, body: BulkBody) -> BulkAnswer:
    """Remove those that can be, and say of each other one why it cannot."""
    failures = []
    uids = list(dict.fromkeys(body.uids or ()))
    for uid in uids:
        try:
            parts.profiles.remove(allowed(parts, caller, Action.PUSH, uid).uid)
        except PackyardError as error:
            failures.append(BulkFailure(uid=uid, name="", err_msg=error.message))
    count = len(uids) - len(failures)
    return BulkAnswer(
        deleted_count=count,
        is_succeeded=not failures,
        message=f"Deleted {count} of {len(uids)} cluster profiles.",
        failures=failures,
    )


@router.get("/validate/name", status_code=204)
def validate_name(
    parts: Wired,
    caller: Reading,
    name: Annotated[str, Query()] = "",
    version: Annotated[str, Query()] = "1.0.0",
) -> None:
    """Whether a new profile could have this name and version here."""
    if not name.strip():
        raise ParameterInvalid("name is empty: give the profile a name.")
    with parts.store.read() as connection:
        profiles.require_free(connection, caller.project, name, version or "1.0.0")


@router.get("/{uid}", response_model_exclude_none=True)
def get(parts: Wired, kept: Readable, include_pack_meta: PackMeta = "") -> ProfileModel:
    """A profile, with its layers as their registries have them now."""
    with parts.store.read() as connection:
        return views.whole(connection, kept, include_pack_meta)


@router.put("/{uid}", status_code=204)
def put(parts: Wired, kept: Changeable, body: ProfileBody) -> None:
    """Other layers, which are a draft until they are published; what is absent stays."""
    metadata, spec = body.metadata or ObjectMeta(), body.spec or SpecBody()
    template = spec.template or TemplateBody()

    def changed(former: Kept) -> Kept:
        named = _named(former, metadata, spec.version)
        profile = replace(
            named.profile,
            type=template.type or named.profile.type,
            layers=template.layers() if template.packs is not None else named.profile.layers,
        )
        return replace(named, profile=profile)

    parts.profiles.change_layers(kept.uid, changed)


@router.delete("/{uid}", status_code=204)
def remove(parts: Wired, kept: Changeable) -> None:
    """Remove a profile for good; other versions of it stay."""
    parts.profiles.remove(kept.uid)


@router.patch("/{uid}/metadata", status_code=204)
def patch_metadata(parts: Wired, kept: Changeable, body: MetadataBody) -> None:
    """Another name or version; labels and annotations are replaced, and absent ones go."""
    metadata = body.metadata or ObjectMeta()
    version = (body.spec or VersionBody()).version
    described = replace_absent(metadata)
    parts.profiles.rename(kept.uid, lambda former: _named(former, described, version))


@router.patch("/{uid}/publish", status_code=204)
def publish(parts: Wired, kept: Changeable) -> None:
    """Let what stands in work be the published one; nothing may be in the way."""
    parts.profiles.publish(kept.uid)


@router.post("/{uid}/clone", status_code=201)
def clone(parts: Wired, caller: Scoped, kept: Readable, body: CloneBody) -> Uid:
    """The same profile under another name or version, here or in another project."""
    metadata = body.metadata or CloneMetadata()
    project, name, version = _target(parts, caller, kept, metadata)
    return Uid(uid=parts.profiles.clone(kept, project, name, version).uid)


@router.post("/{uid}/clone/validate", status_code=204)
def validate_clone(parts: Wired, caller: Scoped, kept: Readable, body: CloneMetadata) -> None:
    """Whether such a clone could be made."""
    project, name, version = _target(parts, caller, kept, body)
    parts.profiles.check_clone(kept, project, name, version)


def replace_absent(metadata: ObjectMeta) -> ObjectMeta:
    return metadata.model_copy(
        update={"labels": metadata.labels or {}, "annotations": metadata.annotations or {}}
    )


def _named(former: Kept, metadata: ObjectMeta, version: str | None) -> Kept:
    """With another name, version, labels and annotations, as far as they are given."""
    profile = former.profile
    labels: Mapping[str, str] = profile.labels if metadata.labels is None else metadata.labels
    annotations = former.annotations
    if metadata.annotations is not None:
        annotations = metadata.kept_annotations()
    profile = replace(
        profile,
        name=metadata.name or profile.name,
        version=version or profile.version,
        labels=labels,
        description=annotations.get(DESCRIPTION, ""),
    )
    return replace(former, profile=profile, annotations=annotations)


def _target(
    parts: Wired, caller: Caller, kept: Kept, metadata: CloneMetadata
) -> tuple[str, str, str]:
    """Project, name and version of a clone; raises `ProjectUnknown`, `Denied`."""
    target = metadata.target or CloneTarget()
    project = caller.project
    if target.scope == "tenant":
        project = ""
    elif target.scope == "project":
        project = target.project_uid or caller.project
        if not project:
            raise ParameterInvalid("target.projectUid is empty: name the project of the clone.")
        with parts.store.read() as connection:
            require_projects(connection, [project])
    elif target.scope:
        raise ParameterInvalid(
            f"target.scope is {target.scope[:40]!r}: a clone is made in a project or the tenant."
        )
    caller.require(Action.PUSH, project, unknown_project(project))
    return project, metadata.name or kept.profile.name, metadata.version or kept.profile.version
