"""Making, changing and publishing cluster profiles: resolved, checked, then kept as a whole.

A check may take seconds, so it runs before the transaction; whoever was quicker meanwhile is
noticed there, and everything is done once more. What refuses is not kept, what blocks is not
published (design, "Findings have two severities").
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from packyard.auth.secrets import Secrets
from packyard.catalog.entries import Entry
from packyard.catalog.tables import packs
from packyard.errors import ParameterInvalid, ProfileRefused, Unavailable, several
from packyard.findings import Finding, Severity, refusals
from packyard.hub import exchange, layer_contents, profiles
from packyard.hub.contents import Looks
from packyard.hub.exchange import Choice
from packyard.hub.packs import unread
from packyard.hub.places import places
from packyard.hub.profiles import Kept, Stale
from packyard.hub.resolution import (
    Resolved,
    asked,
    is_manifest,
    is_unchanged,
    resolve_layers,
)
from packyard.hub.tables import macros, projects, tenants
from packyard.profiles.check import check, ordered, publishable, resolved_values
from packyard.profiles.content import Content, PackContent
from packyard.profiles.filling import Engine
from packyard.profiles.layers import check_structure
from packyard.profiles.model import Profile, ProfileLayer, Variable
from packyard.profiles.rules import found
from packyard.profiles.scope import macros_in_force
from packyard.profiles.variables import check_variables, is_masked
from packyard.storage.store import Store

_TRIES = 40
_SHOWN = 10
_PATIENCE = 3.0  # seconds that a check waits for charts that nobody has read yet
_GONE = ("layer.pack-unknown", "layer.tag-unknown")

Change = Callable[[Kept], Kept]


@dataclass(frozen=True, slots=True)
class Composed:
    """A profile with its layers resolved, what their packs hold, and everything that is wrong."""

    profile: Profile
    resolved: Sequence[Resolved]
    contents: Sequence[Content]
    findings: Sequence[Finding]

    @property
    def known(self) -> list[PackContent | None]:
        """What the pack of each layer holds, None where that is not known."""
        return [one if isinstance(one, PackContent) else None for one in self.contents]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a profile may refer to besides itself: the macros in force, system values."""

    macros: Mapping[str, str]
    system: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Materials:
    """Of what a profile is made: the pack of each layer, what that holds, what is around it."""

    resolved: Sequence[Resolved]
    contents: Sequence[Content]
    around: Surroundings


class Profiles:
    """Those of one store; `fill` is Helm's engine for templates. `looks` fetches charts that a
    synchronization left out."""

    def __init__(self, store: Store, vault: Secrets, fill: Engine, looks: Looks) -> None:
        self._store = store
        self._vault = vault
        self._fill = fill
        self._looks = looks

    def get(self, uid: str) -> Kept:
        """Raises `ProfileUnknown`."""
        with self._store.read() as connection:
            return profiles.get(connection, self._vault, uid)

    def create(
        self,
        profile: Profile,
        project: str,
        annotations: Mapping[str, str] | None = None,
        *,
        publish: bool = False,
    ) -> Kept:
        """Keep a new one, published at once where that is asked for.

        Raises `ProfileTaken`, and `ProfileRefused` with all findings.
        """
        with self._store.read() as connection:
            profiles.require_free(connection, project, profile.name, profile.version)
        composed = self.compose(profile, project)
        require_storable(composed)
        kept = profiles.new(composed.profile, project, annotations)
        if publish:
            require_publishable(composed)
            kept = kept.as_published()
        with self._store.write() as tx:
            return profiles.add(tx, self._vault, kept)

    def take_in(
        self, profile: Profile, project: str, *, publish: bool = False
    ) -> tuple[Kept, list[Choice]]:
        """Keep the profile of a document, with the registries that its layers come from here.

        Raises as `create`.
        """
        with self._store.read() as connection:
            choice = exchange.choices(connection, profile.layers)
        kept = self.create(exchange.chosen(profile, choice), project, publish=publish)
        return kept, choice

    def check_document(self, profile: Profile, project: str) -> list[Choice]:
        """The registries that its layers may come from here.

        Raises `ProfileTaken`, and `ProfileRefused` for everything but packs that are missing.
        """
        with self._store.read() as connection:
            profiles.require_free(connection, project, profile.name, profile.version)
            choice = exchange.choices(connection, profile.layers)
        composed = self.compose(exchange.chosen(profile, choice), project)
        require_storable(composed, but=[one.name for one in profile.layers])
        return choice

    def change_layers(self, uid: str, change: Change) -> Kept:
        """Put others in the place of a profile's layers, and of whatever else `change` does.

        Raises `ProfileUnknown`, `ProfileTaken`, and `ProfileRefused` with all findings.
        """

        def checked(kept: Kept) -> Kept:
            wanted = change(kept)
            former = kept.profile.layers
            composed = self.compose(wanted.profile, wanted.project, former, uid=uid)
            require_storable(composed, but=unchanged(composed.profile.layers, former))
            return wanted.with_layers(composed.profile.layers)

        return self.change(uid, checked)

    def change_variables(self, uid: str, change: Change) -> Kept:
        """Other variables; whether layers use them all is asked when those change, or are
        published. Raises `ProfileUnknown`, and `ProfileRefused`."""

        def checked(kept: Kept) -> Kept:
            wanted = change(kept)
            _require_secrets(wanted.profile.variables, kept.profile.variables)
            findings = check_variables(wanted.profile.variables)
            if refusals(findings):
                raise refused("The variables cannot be stored", findings, (Severity.REFUSE,))
            return wanted

        return self.change(uid, checked)

    def rename(self, uid: str, change: Change) -> Kept:
        """Other names, labels and annotations. Raises as `change_variables`, and `ProfileTaken`."""

        def checked(kept: Kept) -> Kept:
            wanted = change(kept)
            require_named(wanted.profile)
            return wanted

        return self.change(uid, checked)

    def clone(self, kept: Kept, project: str, name: str, version: str) -> Kept:
        """The same in a project, as published as it is; with the secrets of its variables.

        Raises `ProfileTaken`, and `ProfileRefused` where it cannot be there.
        """
        profile = self.check_clone(kept, project, name, version)
        made = profiles.new(profile, project, kept.annotations)
        made = replace(made, published=kept.published, draft=kept.draft)
        with self._store.write() as tx:
            return profiles.add(tx, self._vault, copied(made, profile.layers))

    def check_clone(self, kept: Kept, project: str, name: str, version: str) -> Profile:
        """What the clone would be; raises as `clone`."""
        named = replace(kept.profile, name=name, version=version)
        with self._store.read() as connection:
            profiles.require_free(connection, project, name, version)
        composed = self.compose(named, project, kept.profile.layers)
        layers = composed.profile.layers
        require_storable(composed, but=unchanged(layers, kept.profile.layers))
        return composed.profile

    def publish(self, uid: str) -> Kept:
        """Raises `ProfileUnknown`, and `ProfileRefused` with all findings."""

        def published(kept: Kept) -> Kept:
            layers = kept.profile.layers
            composed = self.compose(kept.profile, kept.project, layers, uid=uid)
            require_publishable(composed)
            return replace(kept, profile=composed.profile).as_published()

        return self.change(uid, published)

    def change(self, uid: str, change: Change) -> Kept:
        """Raises `ProfileUnknown`, `ProfileTaken`, and whatever `change` raises."""
        for _ in range(_TRIES):
            former = self.get(uid)
            wanted = change(former)
            try:
                with self._store.write() as tx:
                    return profiles.put(tx, self._vault, wanted, former)
            except Stale:
                continue
        raise Unavailable("Others are changing this cluster profile all the time: try again.")

    def remove(self, uid: str) -> Kept:
        """Raises `ProfileUnknown`."""
        with self._store.write() as tx:
            kept = profiles.get(tx.connection, self._vault, uid)
            profiles.remove(tx, self._vault, kept)
            return kept

    def compose(
        self,
        profile: Profile,
        project: str,
        former: Sequence[ProfileLayer] = (),
        *,
        uid: str = "",
    ) -> Composed:
        """The whole check of a profile in its project; `former` are its layers so far."""
        of = self.materials(profile, project, uid, former)
        wanted = zip(of.resolved, profile.layers, strict=True)
        declared = [replace(one.layer, layer=given.layer) for one, given in wanted]
        findings = check(
            replace(profile, layers=tuple(declared)),
            of.contents,
            macros=of.around.macros,
            engine=self._fill,
            system=of.around.system,
        )
        layers = tuple(one.layer for one in of.resolved)
        findings = ordered(profile, [*findings, *_moved(layers, former)])
        return Composed(replace(profile, layers=layers), of.resolved, of.contents, findings)

    def materials(
        self,
        profile: Profile,
        project: str,
        uid: str = "",
        former: Sequence[ProfileLayer] | None = None,
    ) -> Materials:
        """Of one state of the catalog; without `former` the layers are those that are kept."""
        before = profile.layers if former is None else former
        with self._store.read() as connection:
            resolved = resolve(connection, profile.layers, before)
            contents = contents_of(connection, resolved)
            around = surroundings(connection, project, uid)
            missing = _unread(connection, resolved, contents)
        if missing:
            self._looks.fetch(missing, _PATIENCE)
            with self._store.read() as connection:
                contents = contents_of(connection, resolved)
        return Materials(resolved, contents, around)

    def resolved_values(
        self, profile: Profile, project: str, system: Mapping[str, str], uid: str = ""
    ) -> tuple[list[str], list[Finding]]:
        """The values of each layer with all macros replaced that are known; secrets are masked."""
        of = self.materials(profile, project, uid)
        return resolved_values(
            profile,
            of.contents,
            macros=of.around.macros,
            engine=self._fill,
            system={**of.around.system, **system},
        )


def resolve(
    connection: Connection, layers: Sequence[ProfileLayer], former: Sequence[ProfileLayer] = ()
) -> list[Resolved]:
    """Each layer with its pack; what is missing names what there is instead."""
    names, tags, uids = asked(layers, former)
    resolved = resolve_layers(layers, former, places(connection, names, tags, uids))
    if not any(one.missing for one in resolved):
        return resolved
    known = places(connection, names, tags, uids, listing=True)
    return resolve_layers(layers, former, known)


def contents_of(connection: Connection, resolved: Sequence[Resolved]) -> list[Content]:
    known = layer_contents.contents(connection, [one.place.uid for one in resolved if one.place])
    names: list[str] = []
    if any(one.missing and not one.missing.tags for one in resolved):
        here = select(packs.c.name).where(packs.c.gone_at == 0).distinct()
        names = list(connection.scalars(here.order_by(packs.c.name)))
    return layer_contents.of_layers(resolved, known, names)


def _moved(layers: Iterable[ProfileLayer], former: Iterable[ProfileLayer]) -> Iterator[Finding]:
    """Layers whose tags lead to other content by now, though nobody changed them."""
    standing = {layer.name: layer for layer in former}
    for layer in layers:
        before = standing.get(layer.name)
        if not before or not is_unchanged(layer, before) or not before.digest:
            continue
        if layer.digest not in ("", before.digest):
            what = f"led to {before.version} and leads to {layer.version} now"
            if layer.version == before.version:
                what = "was pushed again with other content"
            message = f"{layer.pack}:{layer.tag} {what}, since the layer was written."
            yield found("layer.changed", message, layer=layer.name, path="tag")


def _unread(
    connection: Connection, resolved: Iterable[Resolved], contents: Iterable[Content]
) -> list[Entry]:
    """Charts of which nothing is known here but that they are there."""
    pairs = zip(resolved, contents, strict=True)
    uids = [one.place.uid for one, content in pairs if one.place and content is None]
    return unread(connection, uids)


def surroundings(connection: Connection, project: str, uid: str = "") -> Surroundings:
    """Of a profile in a project, "" for the tenant."""
    tenant = connection.scalar(select(tenants.c.uid)) or ""
    found: dict[str, dict[str, str]] = {}
    for row in connection.execute(select(macros).where(macros.c.scope.in_([tenant, project]))):
        found.setdefault(row.scope, {})[row.name] = row.value
    system = {"tenant.uid": tenant, "clusterprofile.uid": uid, "project.uid": project}
    if project:
        named = select(projects.c.name).where(projects.c.uid == project)
        system["project.name"] = connection.scalar(named) or ""
    in_force = macros_in_force(found.get(project, {}), found.get(tenant, {}))
    return Surroundings(in_force, {name: value for name, value in system.items() if value})


def copied(kept: Kept, layers: Iterable[ProfileLayer]) -> Kept:
    """With these in work, and for what a profile has of its own the uids of a copy."""
    uids: defaultdict[str, str] = defaultdict(lambda: secrets.token_hex(12))

    def renewed(layers: Iterable[ProfileLayer]) -> tuple[ProfileLayer, ...]:
        return tuple(
            replace(
                layer,
                uid=uids[layer.uid] if is_manifest(layer) else layer.uid,
                manifests=tuple(replace(one, uid=uids[one.uid]) for one in layer.manifests),
            )
            for layer in layers
        )

    in_work = renewed(layers)
    published = kept.published
    if published is not None:
        published = renewed(published) if kept.draft else in_work
    return replace(kept, profile=replace(kept.profile, layers=in_work), published=published)


def require_named(profile: Profile) -> None:
    """Raise `ProfileRefused` where the name or version is none."""
    findings = [one for one in check_structure(profile, []) if one.path in ("name", "version")]
    if refusals(findings):
        raise refused("The cluster profile cannot be stored", findings, (Severity.REFUSE,))


def _require_secrets(given: Iterable[Variable], former: Iterable[Variable]) -> None:
    """Raise `ParameterInvalid` where asterisks would take the place of a secret."""
    secret = {one.name for one in former if one.sensitive and one.default}
    for one in given:
        if one.name in secret and is_masked(one.default) and not one.sensitive:
            raise ParameterInvalid(
                f"The variable {one.name!r} was sensitive, so its default is not known to whoever "
                "reads it: give the default anew, or leave it sensitive."
            )


def unchanged(layers: Iterable[ProfileLayer], former: Iterable[ProfileLayer]) -> list[str]:
    """The names of those that mean what they meant before."""
    standing = {layer.name: layer for layer in former}
    return [
        layer.name
        for layer in layers
        if layer.name in standing and is_unchanged(layer, standing[layer.name])
    ]


def require_storable(composed: Composed, *, but: Iterable[str] = ()) -> None:
    """Raise `ProfileRefused` where a finding refuses, except that the packs of the layers `but`
    may be missing."""
    excepted = set(but)
    serious = [
        finding
        for finding in refusals(composed.findings)
        if finding.rule not in _GONE or finding.layer not in excepted
    ]
    if serious:
        raise refused("The cluster profile cannot be stored", composed.findings, (Severity.REFUSE,))


def require_publishable(composed: Composed) -> None:
    """Raise `ProfileRefused` where a finding refuses or blocks."""
    if not publishable(composed.findings):
        serious = (Severity.REFUSE, Severity.BLOCK)
        raise refused("The cluster profile cannot be published", composed.findings, serious)


def refused(
    what: str, findings: Iterable[Finding], severities: Sequence[Severity]
) -> ProfileRefused:
    """With every finding; its message has those that are in the way, for clients that show no
    more."""
    told = list(findings)
    serious = [one for one in told if one.severity in severities]
    sentences = [f"[{one.layer}] {one.told}" if one.layer else one.told for one in serious]
    if len(sentences) > _SHOWN:
        sentences[_SHOWN:] = [f"There are {len(sentences) - _SHOWN} more."]
    return ProfileRefused(f"{what}. {several(sentences, ' ')}", told)
