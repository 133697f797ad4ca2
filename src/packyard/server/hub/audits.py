"""The audit over HTTP: listed newest first, and all of it as JSON lines, oldest first.

What the published API says of an entry is there under its names; who asked from where, and the
request's id in the log, stand beside it in `spec.origin`. Who sees what: `hub.audits`.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Header, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from packyard.hub import audits
from packyard.hub.audits import Change
from packyard.hub.projects import tenant
from packyard.server.hub.forms import Form, Meta, Person, private_router, read_time
from packyard.server.hub.lists import ListMeta, Paged
from packyard.server.pack_models import timestamp
from packyard.server.packs import Wired
from packyard.storage.audit import SERVER, Act

router = private_router("/v1/audits", "audit")

LINES = "application/jsonl"


class ActionType(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    PUBLISH = "publish"
    DEPLOY = "deploy"
    ACTIVITY = "activity"
    ACTION = "action"


class ActorUser(Form):
    uid: str
    email_id: str
    first_name: str
    last_name: str
    org: str


class ActorProject(Form):
    uid: str
    name: str


class Actor(Form):
    actor_type: str = Field(description="user, or system for the server itself.")
    user: ActorUser | None = None
    project: ActorProject | None = None
    service_name: str = ""


class Resource(Form):
    kind: str
    name: str
    uid: str
    label: str = ""


class Origin(Form):
    name: str = Field(description="Who asked, and with which API key.")
    address: str
    via: str = Field(description="api, oci, helm, cli or server.")
    request_id: str


class AuditSpec(Form):
    action_type: ActionType
    action_msg: str
    actor: Actor
    resource: Resource
    origin: Origin


class AuditModel(Form):
    metadata: Meta
    spec: AuditSpec

    @classmethod
    def of(cls, change: Change, org: str) -> AuditModel:
        server = change.actor == SERVER.actor and change.via == SERVER.via
        user = ActorUser(
            uid=change.actor_uid,
            email_id=change.email,
            first_name=change.first_name,
            last_name=change.last_name,
            org=org,
        )
        actor = Actor(
            actor_type="system" if server else "user",
            user=None if server else user,
            project=ActorProject(uid=change.project, name=change.project_name)
            if change.project
            else None,
            service_name=SERVER.actor if server else "",
        )
        at = timestamp(change.at)
        return cls(
            metadata=Meta(
                uid=change.uid, name=change.name, creation_timestamp=at, last_modified_timestamp=at
            ),
            spec=AuditSpec(
                action_type=ActionType(change.action),
                action_msg=change.message,
                actor=actor,
                resource=Resource(kind=change.kind, name=change.name, uid=change.resource),
                origin=Origin(
                    name=change.actor,
                    address=change.address,
                    via=change.via,
                    request_id=change.request,
                ),
            ),
        )


class Audits(Form):
    items: list[AuditModel]
    listmeta: ListMeta


def _query(
    parts: Wired,
    since: Annotated[str, Query(alias="startTime", description="RFC 3339; from then on.")] = "",
    until: Annotated[str, Query(alias="endTime", description="RFC 3339; until then.")] = "",
    user: Annotated[str, Query(alias="userUid")] = "",
    project: Annotated[str, Query(alias="projectUid")] = "",
    tenant_uid: Annotated[str, Query(alias="tenantUid")] = "",
    kind: Annotated[str, Query(alias="resourceKind", description="Such as pack or user.")] = "",
    resource: Annotated[str, Query(alias="resourceUid", description="A uid or digest.")] = "",
    action: Annotated[ActionType | None, Query(alias="actionType")] = None,
    header: Annotated[str, Header(alias="ProjectUid")] = "",
) -> audits.Query | None:
    """None where nothing can be found: another tenant, or what is never done here."""
    if tenant_uid:
        with parts.store.read() as connection:
            if tenant(connection).uid != tenant_uid:
                return None
    if action in (ActionType.DEPLOY, ActionType.ACTIVITY):
        return None
    return audits.Query(
        since=read_time(since, "startTime"),
        until=read_time(until, "endTime"),
        user=user,
        project=project or header,
        kind=kind,
        resource=resource,
        act=Act(action) if action else None,
    )


Asked = Annotated[audits.Query | None, Depends(_query)]


@router.get("", response_model_exclude_none=True)
def list_audits(parts: Wired, person: Person, query: Asked, paging: Paged) -> Audits:
    """What one may see of the audit, newest first: administrators all of it, those of a project
    what was changed there, everybody what they changed themselves."""
    if query is None:
        return Audits(items=[], listmeta=paging.told(0, 0))
    with parts.store.read() as connection:
        org = tenant(connection).name
        count = audits.count(connection, person, query)
        found = audits.newest(
            connection,
            person,
            query,
            limit=paging.limit,
            before=paging.after,
            skipped=paging.offset,
        )
    last = found[-1].uid if found else ""
    items = [AuditModel.of(change, org) for change in found]
    return Audits(items=items, listmeta=paging.told(len(items), count, last))


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={200: {"content": {LINES: {}}, "description": "One entry a line, oldest first."}},
)
def export_audits(parts: Wired, person: Person, query: Asked) -> StreamingResponse:
    """The same as JSON lines, whole, each line as an entry of the list."""
    with parts.store.read() as connection:
        org = tenant(connection).name

    def lines() -> Iterator[str]:
        for batch in audits.export(parts.store, person, query) if query else ():
            models = [AuditModel.of(change, org) for change in batch]
            texts = [model.model_dump_json(by_alias=True, exclude_none=True) for model in models]
            yield "".join(f"{text}\n" for text in texts)

    return StreamingResponse(
        lines(),
        media_type=LINES,
        headers={"Content-Disposition": 'attachment; filename="audit.jsonl"'},
    )


@router.get("/{uid}", response_model_exclude_none=True)
def get_audit(parts: Wired, person: Person, uid: str) -> AuditModel:
    with parts.store.read() as connection:
        org = tenant(connection).name
        return AuditModel.of(audits.by_uid(connection, person, uid), org)
