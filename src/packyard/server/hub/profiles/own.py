"""Paths beyond the published ones: profiles listed, findings, and options for the next layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import Field
from sqlalchemy import Connection

from packyard.auth.principal import Action
from packyard.delivery.part import stream
from packyard.delivery.render import Cluster
from packyard.errors import ParameterInvalid
from packyard.findings import Finding
from packyard.hub import offers, profiles, tables, usage
from packyard.hub.composing import resolve
from packyard.hub.profiles import Kept, Reach
from packyard.hub.rendering import Given, rendered
from packyard.hub.usage import Use
from packyard.packs.model import Layer
from packyard.profiles.check import publishable
from packyard.profiles.model import ProfileLayer
from packyard.profiles.options import LayerOption, Offer, options
from packyard.server.hub.forms import Form
from packyard.server.hub.lists import Fields, ListMeta, OrderBy, Paged, ordered, page, trimmed
from packyard.server.hub.profiles import views
from packyard.server.hub.profiles.access import Changeable, Readable, router_at
from packyard.server.hub.profiles.answers import ProfileMeta, ProfileModel
from packyard.server.hub.profiles.bodies import ProfileBody, TemplateBody
from packyard.server.hub.scope import Reading
from packyard.server.packs import Wired
from packyard.server.parts import Parts

router = router_at("/v1/clusterprofiles")

_YAML: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/yaml": {"schema": {"type": "string"}}}}
}

Wanted = Annotated[Layer, Query(description="The layer that is to be chosen.")]
Search = Annotated[str, Query(description="Words that names or display names hold.")]
All = Annotated[
    bool,
    Query(alias="all", description="Those that do not fit, too, with what stands against them."),
]


class HeadSpec(Form):
    version: str


class Head(Form):
    """By what profiles can be ordered."""

    metadata: ProfileMeta
    spec: HeadSpec

    @classmethod
    def of(cls, kept: Kept) -> Head:
        return cls(metadata=ProfileMeta.of(kept), spec=HeadSpec(version=kept.profile.version))


class ProfileList(Form):
    items: list[ProfileModel]
    listmeta: ListMeta


class FindingModel(Form):
    rule: str
    severity: str = Field(description="Of refuse, block, warning, hint.")
    message: str
    mend: str
    layer: str = Field(description="Empty for one about the profile as a whole.")
    file: str
    path: str
    line: int
    column: int

    @classmethod
    def of(cls, finding: Finding) -> FindingModel:
        return cls(**{name: getattr(finding, name) for name in cls.model_fields})


class Findings(Form):
    is_publishable: bool
    items: list[FindingModel]

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Findings:
        found = list(findings)
        items = [FindingModel.of(one) for one in found]
        return cls(is_publishable=publishable(found), items=items)


class Deployment(Form):
    """What is known of one deployment."""

    variables: dict[str, str] = Field(default_factory=dict)
    system: dict[str, str] = Field(
        default_factory=dict, description="Values such as cluster.name, without spectro.system."
    )
    kubernetes_version: str = Field(
        default="", description="Empty for that of the profile's Kubernetes layer."
    )
    api_versions: list[str] = Field(
        default_factory=list, description="Of the cluster, for charts that ask for them."
    )


class OfferModel(Form):
    version: str
    tag: str
    pack_uid: str
    registry_uid: str
    system_state: str
    fits: bool
    against: list[FindingModel] = Field(description="Why it does not fit.")
    needs: list[FindingModel] = Field(description="What has to be added with it.")

    @classmethod
    def of(cls, offer: Offer) -> OfferModel:
        one = offer.candidate
        return cls(
            version=one.version,
            tag=one.tag,
            pack_uid=one.uid,
            registry_uid=one.registry,
            system_state=one.state,
            fits=offer.fits,
            against=[FindingModel.of(finding) for finding in offer.against],
            needs=[FindingModel.of(finding) for finding in offer.needs],
        )


class OptionModel(Form):
    name: str
    display_name: str
    fits: bool
    parent_tags: list[str] = Field(description="Tags that follow the newest of a train.")
    versions: list[OfferModel] = Field(description="Newest first.")

    @classmethod
    def of(cls, option: LayerOption) -> OptionModel:
        return cls(
            name=option.name,
            display_name=option.display_name,
            fits=option.fits,
            parent_tags=option.parent_tags(),
            versions=[OfferModel.of(offer) for offer in option.offers()],
        )


class Options(Form):
    items: list[OptionModel]
    listmeta: ListMeta


class UseModel(Form):
    """A profile, and its layers that use the thing."""

    uid: str
    name: str
    version: str
    project_uid: str = Field(description="Empty for the tenant.")
    layers: list[str]

    @classmethod
    def of(cls, use: Use) -> UseModel:
        return cls(
            uid=use.uid,
            name=use.name,
            version=use.version,
            project_uid=use.project,
            layers=list(use.layers),
        )


class Uses(Form):
    items: list[UseModel]


@router.get("", response_model_exclude_none=True)
def list_profiles(
    parts: Wired, caller: Reading, paging: Paged, order_by: OrderBy = "", fields: Fields = ""
) -> ProfileList:
    """The project's and the tenant's, by name and newest version first."""
    with parts.store.read() as connection:
        found = profiles.every(connection, profiles.within(caller.project), reach=Reach.HEADS)
        heads, listmeta = page(ordered([Head.of(one) for one in found], order_by), paging)
        items = views.wholes(connection, _of_page(connection, heads))
    return trimmed(ProfileList(items=items, listmeta=listmeta), fields)


def _of_page(connection: Connection, heads: Sequence[Head]) -> list[Kept]:
    """In that order."""
    uids = [one.metadata.uid for one in heads]
    found = profiles.every(connection, tables.profiles.c.uid.in_(uids), reach=Reach.WHOLE)
    by_uid = {one.uid: one for one in found}
    return [by_uid[uid] for uid in uids]


@router.get("/usedBy")
def list_uses(
    parts: Wired,
    caller: Reading,
    pack_uid: Annotated[str, Query(alias="packUid")] = "",
    registry_uid: Annotated[str, Query(alias="registryUid")] = "",
    macro: Annotated[str, Query(description="Of the project, or of the tenant.")] = "",
) -> Uses:
    """The profiles that would miss a pack, a registry or a macro; those of projects that whoever
    asks may not read are not named."""
    with parts.store.read() as connection:
        if pack_uid:
            found = usage.of_pack(connection, pack_uid)
        elif registry_uid:
            found = usage.of_registry(connection, registry_uid)
        elif macro:
            found = usage.of_macro(connection, caller.project, macro)
        else:
            raise ParameterInvalid("Name what is used: by packUid, registryUid or macro.")
    may = caller.person.may
    return Uses(items=[UseModel.of(one) for one in found if may(Action.PULL, one.project)])


@router.post("/findings")
def check(parts: Wired, caller: Reading, body: ProfileBody) -> Findings:
    """Everything that is wrong with a profile that is not kept."""
    return Findings.of(parts.profiles.compose(body.read(), caller.project).findings)


@router.get("/{uid}/findings")
def list_findings(parts: Wired, kept: Readable) -> Findings:
    """Everything that is wrong with what stands in work, as of now."""
    profile = kept.profile
    composed = parts.profiles.compose(profile, kept.project, profile.layers, uid=kept.uid)
    return Findings.of(composed.findings)


@router.post("/{uid}/render", response_class=Response, responses=_YAML)
def render(parts: Wired, kept: Changeable, body: Deployment) -> Response:
    """The manifests of what is published, in order of installation, as one stream of YAML. They
    hold the secrets of variables, so it takes an editor."""
    manifests = rendered(
        parts.profiles,
        parts.archives,
        parts.engine,
        kept.laid(published=True),
        kept.project,
        Given(
            variables=body.variables,
            system=body.system,
            cluster=Cluster(
                kubernetes=body.kubernetes_version, api_versions=tuple(body.api_versions)
            ),
        ),
        uid=kept.uid,
    )
    return Response(stream(manifests).encode(), media_type="application/yaml")


@router.post("/options")
def list_options(
    parts: Wired,
    _caller: Reading,
    paging: Paged,
    body: TemplateBody,
    layer: Wanted,
    text: Search = "",
    *,
    every: All = False,
) -> Options:
    """The packs that can be the next layer beside those of a template."""
    layers = body.layers()
    return _options(parts, layers, body.cloud_type or "", layer, text, paging, every=every)


@router.get("/{uid}/options")
def list_options_of(
    parts: Wired,
    kept: Readable,
    paging: Paged,
    layer: Wanted,
    text: Search = "",
    *,
    every: All = False,
) -> Options:
    """The packs that can be the next layer of a profile."""
    profile = kept.profile
    return _options(parts, profile.layers, profile.cloud_type, layer, text, paging, every=every)


def _options(
    parts: Parts,
    layers: Sequence[ProfileLayer],
    cloud: str,
    layer: Layer,
    text: str,
    paging: Paged,
    *,
    every: bool,
) -> Options:
    with parts.store.read() as connection:
        chosen = offers.candidates(connection, _uids(connection, layers))
    offered = options(parts.offers.packs(layer.value), chosen, cloud)
    shown = [one for one in offered if every or one.fits]
    for word in text.lower().split():
        shown = [one for one in shown if word in f"{one.name} {one.display_name}".lower()]
    items, listmeta = page(shown, paging)
    return Options(items=[OptionModel.of(one) for one in items], listmeta=listmeta)


def _uids(connection: Connection, layers: Sequence[ProfileLayer]) -> list[str]:
    return [one.place.uid for one in resolve(connection, layers, layers) if one.place]
