"""Projects, and the two lists of them that the console and the Terraform provider read.

Everybody sees the projects in which they may read; administrators of the tenant make them and take
them away, those of a project change it. Roles in projects are given to users (`/v1/users`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

from fastapi import Query
from pydantic import Field

from packyard.auth.principal import Action, Principal
from packyard.hub import projects
from packyard.hub.projects import Project
from packyard.server.hub.forms import (
    Described,
    Form,
    KnownBy,
    Meta,
    Person,
    TextFilter,
    Uid,
    private_router,
)
from packyard.server.hub.lists import ListMeta, OrderBy, Paged, ordered, page
from packyard.server.hub.scope import unknown_project
from packyard.server.pack_models import timestamp
from packyard.server.packs import Wired
from packyard.server.parts import Parts

router = private_router("/v1", "projects")


class ProjectSpec(Form):
    logo_url: str = ""


class ProjectStatus(Form):
    is_disabled: bool = False


class ProjectModel(Form):
    metadata: Meta
    spec: ProjectSpec = ProjectSpec()
    status: ProjectStatus = ProjectStatus()

    @classmethod
    def of(cls, project: Project) -> ProjectModel:
        return cls(metadata=_meta(project))


class Projects(Form):
    items: list[ProjectModel]
    listmeta: ListMeta


class GivenProject(Form):
    metadata: Described


class ProjectMetadata(Form):
    metadata: KnownBy


class ProjectsMetadata(Form):
    items: list[ProjectMetadata]


class ProjectFilter(Form):
    name: TextFilter = TextFilter()


class SortField(StrEnum):
    NAME = "name"
    CREATED = "creationTimestamp"
    CHANGED = "lastModifiedTimestamp"


class SortOrder(StrEnum):
    ASCENDING = "asc"
    DESCENDING = "desc"


class Sort(Form):
    field: SortField = SortField.NAME
    order: SortOrder = SortOrder.ASCENDING


class ProjectsFilter(Form):
    filter: ProjectFilter = ProjectFilter()
    sort: list[Sort] = Field(default_factory=list)


class SummaryStatus(Form):
    status: ProjectStatus = ProjectStatus()


class ProjectSummary(Form):
    metadata: Meta
    spec_summary: ProjectSpec = ProjectSpec()
    status: SummaryStatus = SummaryStatus()


class ProjectsSummary(Form):
    items: list[ProjectSummary]
    listmeta: ListMeta


@router.get("/projects")
def list_projects(
    parts: Wired, person: Person, paging: Paged, order_by: OrderBy = "metadata.name=1"
) -> Projects:
    """Those in which one may read."""
    models = [ProjectModel.of(project) for project in _readable(parts, person)]
    items, told = page(ordered(models, order_by), paging)
    return Projects(items=items, listmeta=told)


@router.post("/projects", status_code=201)
def create_project(parts: Wired, person: Person, new: GivenProject) -> Uid:
    parts.policy.check_project(person, Action.ADMIN, "")
    given = new.metadata
    project = Project(name=given.name or "", labels=given.labels, annotations=given.annotations)
    projects.create(parts.store, project)
    return Uid(uid=project.uid)


@router.get("/projects/{uid}")
def get_project(parts: Wired, person: Person, uid: str) -> ProjectModel:
    return ProjectModel.of(find(parts, person, uid))


@router.put("/projects/{uid}", status_code=204)
def change_project(parts: Wired, person: Person, uid: str, new: GivenProject) -> None:
    """Name, labels and annotations; without a name it keeps its own."""
    project = find(parts, person, uid, Action.ADMIN)
    given = new.metadata
    changed = replace(
        project,
        name=given.name or project.name,
        labels=given.labels,
        annotations=given.annotations,
    )
    projects.change(parts.store, changed)


@router.delete("/projects/{uid}", status_code=204)
def delete_project(
    parts: Wired,
    person: Person,
    uid: str,
    *,
    cleanup: Annotated[
        bool,
        Query(alias="cleanupProjectResources", description="Also its profiles; else 409."),
    ] = False,
) -> None:
    """Take a project away, with its macros, and the roles and API keys that are for it alone."""
    find(parts, person, uid)
    parts.policy.check_project(person, Action.ADMIN, "")
    projects.remove(parts.store, parts.secrets, uid, with_profiles=cleanup)


@router.get("/dashboard/projects/metadata", tags=["dashboards"])
def list_metadata(
    parts: Wired,
    person: Person,
    name: Annotated[str, Query(description="Only the project of that name.")] = "",
) -> ProjectsMetadata:
    """All projects in which one may read, by name."""
    return ProjectsMetadata(
        items=[
            ProjectMetadata(metadata=KnownBy(uid=project.uid, name=project.name))
            for project in _readable(parts, person)
            if name in ("", project.name)
        ]
    )


@router.post("/dashboard/projects", tags=["dashboards"])
def search_projects(
    parts: Wired, person: Person, paging: Paged, wanted: ProjectsFilter | None = None
) -> ProjectsSummary:
    """Those in which one may read, filtered and sorted."""
    wanted = wanted or ProjectsFilter()
    models = [
        ProjectSummary(metadata=_meta(project))
        for project in _readable(parts, person)
        if wanted.filter.name.text().fits(project.name)
    ]
    order_by = [
        f"metadata.{sort.field}={1 if sort.order is SortOrder.ASCENDING else -1}"
        for sort in wanted.sort
    ]
    items, told = page(ordered(models, ",".join(order_by)), paging)
    return ProjectsSummary(items=items, listmeta=told)


def find(parts: Parts, person: Principal, uid: str, action: Action = Action.PULL) -> Project:
    """The project, where that person may do that there.

    Raises `ProjectUnknown`, also for one in which they may not even read, and `Denied`.
    """
    with parts.store.read() as connection:
        project = projects.by_uid(connection, uid)
    if not person.may(Action.PULL, uid):
        raise unknown_project(uid)
    parts.policy.check_project(person, action, uid)
    return project


def _readable(parts: Parts, person: Principal) -> Iterable[Project]:
    with parts.store.read() as connection:
        found = projects.every(connection)
    return [project for project in found if person.may(Action.PULL, project.uid)]


def _meta(project: Project) -> Meta:
    return Meta(
        uid=project.uid,
        name=project.name,
        creation_timestamp=timestamp(project.created_at),
        last_modified_timestamp=timestamp(project.changed_at),
        labels=dict(project.labels),
        annotations=dict(project.annotations),
    )
