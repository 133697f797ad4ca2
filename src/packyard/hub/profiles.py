"""Cluster profiles as they are kept: rows in, values out, and the few changes of a whole one.

A profile is what stands in work: its draft where it has one, else what was published. It is put as
a whole, in one transaction with its audit; what it must hold to was asked before (`composing`).
Defaults of sensitive variables are sealed elsewhere; a masked one that comes back means the same.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    delete,
    insert,
    literal,
    select,
    update,
)

from packyard.auth.secrets import Secrets
from packyard.auth.users import require_projects
from packyard.catalog import foreign
from packyard.errors import ProfileTaken, ProfileUnknown
from packyard.hub.reading import chart_entry
from packyard.hub.tables import profile_layers, profile_manifests, profiles
from packyard.packs.model import Layer
from packyard.packs.version import sort_key
from packyard.profiles.exchange import variable_data, variable_of
from packyard.profiles.fields import given_data
from packyard.profiles.model import (
    Manifest,
    PackType,
    Profile,
    ProfileLayer,
    ProfileType,
    RegistryReference,
    Variable,
)
from packyard.profiles.variables import is_masked
from packyard.remotes.source import Kind as OfferKind
from packyard.remotes.source import Offer
from packyard.storage.audit import Act
from packyard.storage.batches import batches
from packyard.storage.content import now
from packyard.storage.transaction import Transaction

DESCRIPTION = "description"
"""The annotation in which a description stands."""


class Stale(Exception):
    """Somebody else changed the profile since it was read: read it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A profile with what the hub knows of it. Times are µs.

    `profile` is what stands in work, `published` the layers that were published, None where never.
    `draft` says whether those in work differ from them. `project` is "" for the tenant.
    """

    uid: str
    project: str
    profile: Profile
    published: tuple[ProfileLayer, ...] | None = None
    draft: bool = True
    annotations: Mapping[str, str] = field(default_factory=dict)
    created_at: int = 0
    changed_at: int = 0

    def laid(self, *, published: bool) -> Profile:
        """With the layers of that state; those in work where it was never published."""
        if published and self.published is not None:
            return replace(self.profile, layers=self.published)
        return self.profile

    def with_layers(self, layers: Iterable[ProfileLayer]) -> Kept:
        """Others in work, which are a draft from now on."""
        return replace(self, profile=replace(self.profile, layers=tuple(layers)), draft=True)

    def as_published(self) -> Kept:
        return replace(self, published=self.profile.layers, draft=False)


def new(profile: Profile, project: str, annotations: Mapping[str, str] | None = None) -> Kept:
    """Not kept yet; the description of the profile is an annotation, too."""
    texts = dict(annotations or {})
    if profile.description:
        texts.setdefault(DESCRIPTION, profile.description)
    described = replace(profile, description=texts.get(DESCRIPTION, ""))
    return Kept(uid=secrets.token_hex(12), project=project, profile=described, annotations=texts)


def add(tx: Transaction, vault: Secrets, kept: Kept) -> Kept:
    """Keep a new one; raises `ProfileTaken`, and `ProjectUnknown` for a project that went away."""
    require_projects(tx.connection, filter(None, [kept.project]))
    require_free(tx.connection, kept.project, kept.profile.name, kept.profile.version)
    time = now()
    made = replace(kept, created_at=time, changed_at=time)
    _seal(tx, vault, made.uid, made.profile.variables)
    tx.connection.execute(insert(profiles).values(uid=made.uid, **_row(made)))
    _put_layers(tx.connection, made)
    _record(tx, Act.CREATE, made, "Made")
    if not made.draft:
        _record(tx, Act.PUBLISH, made, "Published")
    return made


def put(tx: Transaction, vault: Secrets, kept: Kept, former: Kept, what: str = "Changed") -> Kept:
    """Put it in the place of what it was; raises `ProfileTaken`, and `Stale` where that is not
    what stands there."""
    profile = kept.profile
    require_free(tx.connection, kept.project, profile.name, profile.version, but=kept.uid)
    variables = _with_secrets(kept.profile.variables, former.profile.variables)
    time = max(now(), former.changed_at + 1)
    put = replace(kept, profile=replace(kept.profile, variables=variables), changed_at=time)
    standing = profiles.c.uid == put.uid, profiles.c.changed_at == former.changed_at
    if not tx.connection.execute(update(profiles).where(*standing).values(**_row(put))).rowcount:
        raise Stale(put.uid)
    _seal(tx, vault, put.uid, variables)
    if (put.profile.layers, put.published) != (former.profile.layers, former.published) or (
        put.draft != former.draft
    ):
        tx.connection.execute(delete(profile_layers).where(profile_layers.c.profile == put.uid))
        _put_layers(tx.connection, put)
    published = former.draft and not put.draft
    _record(tx, Act.PUBLISH if published else Act.UPDATE, put, "Published" if published else what)
    return put


def remove(tx: Transaction, vault: Secrets, kept: Kept) -> None:
    tx.connection.execute(delete(profile_layers).where(profile_layers.c.profile == kept.uid))
    tx.connection.execute(delete(profiles).where(profiles.c.uid == kept.uid))
    vault.forget(tx, _owner(kept.uid))
    _record(tx, Act.DELETE, kept, "Removed")


def get(connection: Connection, vault: Secrets, uid: str) -> Kept:
    """With the secrets of its variables; raises `ProfileUnknown`."""
    row = connection.execute(select(profiles).where(profiles.c.uid == uid)).mappings().one_or_none()
    if row is None:
        raise unknown(uid)
    known = json.loads(vault.get(connection, _owner(uid)) or b"{}")
    (kept,) = _kept(connection, [row], lambda _: known)
    return kept


class Reach(Enum):
    """How much of profiles is read."""

    HEADS = "without layers"
    LAYERS = "without values, and contents of manifests"
    WHOLE = "all but secrets"


def every(
    connection: Connection, *conditions: ColumnElement[bool], reach: Reach = Reach.LAYERS
) -> list[Kept]:
    """Those that meet conditions on `profiles`, by name, newest version first."""
    rows = connection.execute(
        select(profiles)
        .where(*conditions)
        .order_by(profiles.c.name, profiles.c.version_key.desc(), profiles.c.uid)
    ).mappings()
    return _kept(connection, list(rows), lambda _: {}, reach)


def within(project: str) -> ColumnElement[bool]:
    """The condition for what is seen in a project: its own, and the tenant's."""
    return profiles.c.project.in_(["", project])


def versions(
    connection: Connection, names: Collection[str]
) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Uid and version of every version, oldest first, by project and name."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for batch in batches(sorted(names)):
        rows = connection.execute(
            select(profiles.c.project, profiles.c.name, profiles.c.uid, profiles.c.version)
            .where(profiles.c.name.in_(batch))
            .order_by(profiles.c.version_key, profiles.c.uid)
        )
        for project, name, uid, version in rows:
            found.setdefault((project, name), []).append((uid, version))
    return found


def require_free(
    connection: Connection, project: str, name: str, version: str, *, but: str = ""
) -> None:
    """Raise `ProfileTaken` where another profile than `but` has that name and version in that
    scope."""
    found = connection.scalar(
        select(profiles.c.uid).where(
            profiles.c.project == project,
            profiles.c.name == name,
            profiles.c.version == version,
            profiles.c.uid != but,
        )
    )
    if found is not None:
        raise ProfileTaken(
            f"There is a cluster profile {name!r} of version {version} already: take another name "
            "or version."
        )


def unknown(uid: str) -> ProfileUnknown:
    return ProfileUnknown(f"There is no cluster profile {uid[:100]!r}.")


def _record(tx: Transaction, act: Act, kept: Kept, what: str) -> None:
    name = f"{kept.profile.name} {kept.profile.version}"
    message = f"{what} the cluster profile {name}."
    tx.record(act, "clusterprofile", kept.uid, name, message, project=kept.project)


# Secrets of variables.


def _owner(uid: str) -> str:
    return f"profile/{uid}"


def _with_secrets(given: Iterable[Variable], former: Iterable[Variable]) -> tuple[Variable, ...]:
    """The variables, with the secret that one had where its mask came back."""
    known = {one.name: one.default for one in former if one.sensitive}
    return tuple(
        replace(one, default=known.get(one.name, one.default))
        if one.sensitive and is_masked(one.default)
        else one
        for one in given
    )


def _seal(tx: Transaction, vault: Secrets, uid: str, variables: Iterable[Variable]) -> None:
    secret = {one.name: one.default for one in variables if one.sensitive and one.default}
    if secret:
        vault.put(tx, _owner(uid), json.dumps(secret))
    else:
        vault.forget(tx, _owner(uid))


# Rows.


def _row(kept: Kept) -> dict[str, object]:
    profile = kept.profile
    variables = [
        variable_data(replace(one, default="") if one.sensitive else one, reveal=True)
        for one in profile.variables
    ]
    return {
        "project": kept.project,
        "name": profile.name,
        "version": profile.version,
        "version_key": sort_key(profile.version),
        "type": profile.type.value,
        "cloud_type": profile.cloud_type,
        "labels": dict(profile.labels),
        "annotations": dict(kept.annotations),
        "variables": variables,
        "draft": kept.draft,
        "published": kept.published is not None,
        "created_at": kept.created_at,
        "changed_at": kept.changed_at,
    }


def _put_layers(connection: Connection, kept: Kept) -> None:
    states = [(True, kept.published)] if kept.published is not None else []
    if kept.draft:
        states.append((False, kept.profile.layers))
    layers: list[dict[str, object]] = []
    manifests: list[dict[str, object]] = []
    for published, of_state in states:
        for position, layer in enumerate(of_state or ()):
            place = {"profile": kept.uid, "published": published, "position": position}
            layers.append(place | _layer_row(layer))
            manifests += (
                place | {"place": index, "uid": one.uid, "name": one.name, "content": one.content}
                for index, one in enumerate(layer.manifests)
            )
    _name_by_hand(connection, kept)
    if layers:
        connection.execute(insert(profile_layers), layers)
    if manifests:
        connection.execute(insert(profile_manifests), manifests)


def _name_by_hand(connection: Connection, kept: Kept) -> None:
    """Let charts of registries that tell nothing be known by their uid, too."""
    for layer in kept.profile.layers:
        if layer.registry.uid and not layer.digest:
            tag = layer.tag
            offer = Offer(kind=OfferKind.CHART, name=layer.pack, tag=tag, tags=(tag,), place="")
            entry = chart_entry(layer.registry.uid, offer)
            if entry.uid == layer.uid:
                foreign.name_by_hand(connection, entry, now())


def _layer_row(layer: ProfileLayer) -> dict[str, object]:
    return {
        "name": layer.name,
        "pack_name": layer.pack,
        "type": layer.type.value,
        "layer": (layer.layer or Layer.ADDON).value,
        "tag": layer.tag,
        "registry": layer.registry.uid,
        "pack": layer.uid,
        "version": layer.version,
        "digest": layer.digest,
        "values": layer.values,
    }


def _kept(
    connection: Connection,
    rows: Sequence[RowMapping],
    known: Callable[[str], Mapping[str, str]],
    reach: Reach = Reach.WHOLE,
) -> list[Kept]:
    uids = [] if reach is Reach.HEADS else [row["uid"] for row in rows]
    layers = _layers(connection, uids, whole=reach is Reach.WHOLE)
    kept = []
    for row in rows:
        uid = row["uid"]
        published = tuple(layers.get((uid, True), ())) if row["published"] else None
        in_work = tuple(layers.get((uid, False), ())) if row["draft"] else published or ()
        profile = Profile(
            name=row["name"],
            version=row["version"],
            description=row["annotations"].get(DESCRIPTION, ""),
            type=ProfileType(row["type"]),
            cloud_type=row["cloud_type"],
            labels=row["labels"],
            layers=in_work,
            variables=_variables(row["variables"], known(uid)),
        )
        kept.append(
            Kept(
                uid=uid,
                project=row["project"],
                profile=profile,
                published=published,
                draft=row["draft"],
                annotations=row["annotations"],
                created_at=row["created_at"],
                changed_at=row["changed_at"],
            )
        )
    return kept


def _variables(
    data: Sequence[Mapping[str, Any]], secret: Mapping[str, str]
) -> tuple[Variable, ...]:
    read = [variable_of(given_data(one)) for one in data]
    return tuple(replace(one, default=secret.get(one.name, one.default)) for one in read)


def _layers(
    connection: Connection, uids: Sequence[str], *, whole: bool
) -> dict[tuple[str, bool], list[ProfileLayer]]:
    """By profile and state, in order."""
    table = profile_layers
    columns: list[Any] = [one for one in table.c if whole or one.name != "values"]
    if not whole:
        columns.append(literal("").label("values"))
    manifests: dict[tuple[str, bool, int], list[Manifest]] = {}
    found: dict[tuple[str, bool], list[ProfileLayer]] = {}
    for batch in batches(uids):
        for row in connection.execute(
            _manifest_columns(whole=whole)
            .where(profile_manifests.c.profile.in_(batch))
            .order_by(*profile_manifests.primary_key.columns)
        ):
            place = row.profile, row.published, row.position
            manifest = Manifest(name=row.name, content=row.content, uid=row.uid)
            manifests.setdefault(place, []).append(manifest)
        for line in connection.execute(
            select(*columns).where(table.c.profile.in_(batch)).order_by(*table.primary_key.columns)
        ).mappings():
            state = line["profile"], line["published"]
            found.setdefault(state, []).append(
                _layer(line, manifests.get((*state, line["position"]), ()))
            )
    return found


def _manifest_columns(*, whole: bool) -> Any:
    table = profile_manifests
    content = table.c.content if whole else literal("").label("content")
    return select(*(one for one in table.c if one.name != "content"), content)


def _layer(row: RowMapping, manifests: Sequence[Manifest]) -> ProfileLayer:
    return ProfileLayer(
        name=row["name"],
        type=PackType(row["type"]),
        layer=Layer(row["layer"]),
        tag=row["tag"],
        version=row["version"],
        digest=row["digest"],
        uid=row["pack"],
        registry=RegistryReference(uid=row["registry"]),
        values=row["values"],
        manifests=tuple(manifests),
    )
