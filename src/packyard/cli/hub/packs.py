"""`packyard hub search` and `hub show`: the packs of all registries that a hub reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from packyard.cli import screen
from packyard.cli.hub.target import open_hub
from packyard.cli.options import DEFAULT_HOME, Home, HubServer, ListFormat, Output
from packyard.cli.output import Columns, Row, as_table, show_row, show_rows
from packyard.errors import Conflict, NotFound, PackUnknown, ParameterInvalid, RemoteFailed
from packyard.packs.model import Layer
from packyard.remotes.items import (
    PACK,
    REGISTRY,
    Item,
    Kind,
    at,
    maps,
    name_of,
    pick,
    text,
    texts,
    uid_of,
)

if TYPE_CHECKING:
    from packyard.remotes.hub import Hub

PATH = "/v1/packs"
_REGISTRIES = "/v1/registries/metadata"


class PackType(StrEnum):
    SPECTRO = "spectro"
    HELM = "helm"
    OCI = "oci"


Limit = Annotated[
    int, typer.Option("-n", "--limit", metavar="NUMBER", min=1, help="At most so many.")
]


Clashes = Annotated[
    bool,
    typer.Option("--clashes", help="Versions that registries have with different content."),
]
Filter = Annotated[
    str,
    typer.Option(
        "--filter",
        metavar="TEXT",
        help="Versions instead of packs: spec.name=nginxANDspec.version>=1.2.",
    ),
]


def search(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORD", help="In name, description or README; all of them."),
    ] = None,
    *,
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="Names that hold this.")] = "",
    layers: Annotated[list[Layer] | None, typer.Option("--layer", help="Repeatable.")] = None,
    types: Annotated[list[PackType] | None, typer.Option("--type", help="Repeatable.")] = None,
    addon_types: Annotated[
        list[str] | None,
        typer.Option("--addon-type", metavar="TYPE", help="Such as monitoring; repeatable."),
    ] = None,
    clouds: Annotated[
        list[str] | None,
        typer.Option("--cloud", metavar="TYPE", help="Packs for this cloud; repeatable."),
    ] = None,
    registries: Annotated[
        list[str] | None,
        typer.Option("--registry", metavar="REGISTRY", help="Name or uid; repeatable."),
    ] = None,
    expression: Filter = "",
    clashes: Clashes = False,
    limit: Limit = 50,
    output: Output = ListFormat.TABLE,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Find packs in all registries of a hub, a line for each registry that has one."""
    with open_hub(server, home) as hub:
        known = hub.items(_REGISTRIES)
        chosen = [uid_of(pick(known, REGISTRY, one, hub.host)) for one in registries or ()]
        wanted = {
            "name": {"contains": name} if name else None,
            "layer": layers,
            "type": types,
            "addOnType": addon_types,
            "environment": clouds,
            "registryUid": chosen,
        }
        asked = {key: value for key, value in wanted.items() if value}
        names = {uid_of(one): name_of(one) for one in known}
        said = " ".join(words or ())
        if clashes:
            _require_alone("--clashes", said, asked, expression)
            rows, more = hub.first(f"{PATH}/clashes", limit, {})
            table = as_table(rows, _CLASHES)
        elif expression:
            _require_alone("--filter", said, asked)
            rows, more = hub.first(PATH, limit, {"filters": expression})
            table = as_table(rows, _of_versions(names))
        else:
            rows, more = hub.first(f"{PATH}/search", limit, {"q": said}, {"filter": asked})
            table = _table(rows, names)
    none = "No version differs between registries." if clashes else "There are no such packs."
    show_rows(rows, output, table, none, more=more)


def _require_alone(option: str, *others: object) -> None:
    if any(others):
        raise ParameterInvalid(f"{option} stands alone: nothing else goes with it.")


def show(
    pack: Annotated[str, typer.Argument(metavar="NAME[:TAG]", help="Without a tag the newest.")],
    *,
    registry: Annotated[
        str,
        typer.Option(
            "--registry", metavar="REGISTRY", help="Name or uid, where several have the pack."
        ),
    ] = "",
    values: Annotated[bool, typer.Option("--values", help="Print its values alone.")] = False,
    readme: Annotated[bool, typer.Option("--readme", help="Print its README alone.")] = False,
    output: Output = ListFormat.TABLE,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Show a pack: what it is for, where it comes from, which versions there are."""
    from packyard.remotes.hub import segment

    if values and readme:
        raise ParameterInvalid("--values and --readme exclude each other.")
    name, _, tag = pack.partition(":")
    if not name:
        raise ParameterInvalid("Name a pack: NAME, or NAME:TAG.")
    with open_hub(server, home) as hub:
        where = _registry(hub, name, registry)
        try:
            found = hub.get(f"{PATH}/{segment(name)}/registries/{uid_of(where)}", {"tag": tag})
        except NotFound as error:
            raise _absent(hub, name, where) from error
        row = {**_version(hub, found, tag), "registry": name_of(where)}
        if readme:
            row |= hub.get(f"{PATH}/{row['uid']}/readme")
    if (values or readme) and text(row, "fault"):
        raise RemoteFailed(f"{pack} is not here yet: {text(row, 'fault')}")
    if values or readme:
        told = text(row, "values" if values else "readme").removesuffix("\n")
        if told:
            screen.result(told)
        else:
            screen.message(f"{name} {row['tag']} has no {'values' if values else 'README'}.")
    else:
        show_row({**found, **row} if output is ListFormat.TABLE else found, output, _DETAILS)


def _registry(hub: Hub, name: str, wanted: str) -> Item:
    """The registry that was named, else the only one that has the pack, the own one before others.

    Raise `PackUnknown` with the nearest name, and `Conflict` where others would be a guess.
    """
    if wanted:
        return hub.named(_REGISTRIES, REGISTRY, wanted)
    holding = _holding(hub, name)
    own = {uid_of(row) for row in hub.items(_REGISTRIES) if at(row, "isDefault") is True}
    ours = [one for one in holding if uid_of(one) in own]
    if ours or len(holding) == 1:
        return (ours or holding)[0]
    names = ", ".join(sorted(map(name_of, holding)))
    raise Conflict(f"{name} stands in several registries; name one by --registry: {names}.")


def _holding(hub: Hub, name: str) -> list[Item]:
    """The registries that have a pack; raises `PackUnknown` with the nearest name."""
    exact = {"filter": {"name": {"eq": name, "ignoreCase": False}}}
    packs = hub.found(f"{PATH}/search", exact)
    holding = [one for item in packs for one in maps(item, "spec.registries")]
    if not holding:
        near = []
        for part in dict.fromkeys((name[:3], name[-3:], name[:1])):
            like = {"filter": {"name": {"contains": part}}}
            near += hub.first(f"{PATH}/search", 50, {}, like)[0]
        pick(near, PACK, name, hub.host)
    return holding


def _absent(hub: Hub, name: str, where: Item) -> PackUnknown:
    """Of a registry that was named, though it has no pack of that name."""
    holding = ", ".join(sorted(map(name_of, _holding(hub, name))))
    return PackUnknown(f"{name_of(where)} has no pack {name}; it is in: {holding}.")


def _version(hub: Hub, found: Item, tag: str) -> dict[str, object]:
    """The tag that was named, or the last one, with its values."""
    tags = maps(found, "tags")
    chosen = next((row for row in tags if text(row, "tag") == tag), None) if tag else None
    if tag and chosen is None:
        known = [{"uid": "", "name": text(row, "tag")} for row in tags]
        pick(
            known,
            Kind(f"pack {text(found, 'name')} of the tag", PackUnknown, "tags"),
            tag,
            hub.host,
        )
    chosen = chosen or (tags[-1] if tags else {})
    uid = text(chosen, "packUid")
    later: Item = {"fault": "It is still to be fetched from its registry: look again in a moment."}
    rows = maps(found, "packValues")
    held = next((one for one in rows if text(one, "packUid") == uid), later)
    return {
        "tag": text(chosen, "tag"),
        "uid": uid,
        "values": text(held, "values"),
        "fault": text(held, "fault"),
        "presets": at(held, "presets") or [],
        "description": text(held, "annotations.description"),
    }


def _table(packs: Sequence[Item], names: dict[str, str]) -> list[str]:
    rows = [{**one, "pack": item} for item in packs for one in maps(item, "spec.registries")]

    def of_pack(path: str) -> Callable[[Row], str]:
        return lambda row: text(row, f"pack.{path}")

    def remark(row: Row) -> str:
        others = [names.get(uid, uid) for uid in texts(row, "differsFrom")]
        differs = f"other content than in {', '.join(others)}" if others else ""
        return ", ".join(filter(None, (text(row, "state"), differs)))

    return as_table(
        rows,
        {
            "NAME": of_pack("spec.name"),
            "VERSION": lambda row: text(row, "latestVersion"),
            "LAYER": of_pack("spec.layer"),
            "TYPE": of_pack("spec.addonType"),
            "REGISTRY": name_of,
            "DISPLAY NAME": lambda row: _shown_as(row, "pack.spec"),
            "REMARK": remark,
        },
    )


def _of_versions(names: dict[str, str]) -> Columns:
    def registry(row: Row) -> str:
        uid = text(row, "spec.registryUid")
        return names.get(uid, uid)

    return {
        "NAME": lambda row: text(row, "spec.name"),
        "VERSION": lambda row: text(row, "spec.version"),
        "LAYER": lambda row: text(row, "spec.layer"),
        "TYPE": lambda row: text(row, "spec.addonType"),
        "CLOUDS": lambda row: ", ".join(texts(row, "spec.cloudTypes")),
        "REGISTRY": registry,
        "DISPLAY NAME": lambda row: _shown_as(row, "spec"),
        "REMARK": lambda row: text(row, "spec.state"),
    }


def _shown_as(row: Row, place: str) -> str:
    """The display name where it says more than the name."""
    found = text(row, f"{place}.displayName")
    return "" if found == text(row, f"{place}.name") else found


def _tags(row: Row) -> str:
    """Of versions, newest first, each with the parent tags that lead to it, and its state."""
    rows = maps(row, "tags")
    leading = {tag for one in rows for tag in texts(one, "parentTags")}
    lines = []
    for one in reversed([one for one in rows if text(one, "tag") not in leading]):
        own = {text(row, "tag") for row in rows if text(row, "packUid") == text(one, "packUid")}
        parents = ", ".join(tag for tag in texts(one, "parentTags") if tag in own)
        said = "  ".join(filter(None, (f"({parents})" if parents else "", text(one, "state"))))
        lines.append(f"{text(one, 'tag')}  {said}".rstrip())
    return "\n".join(lines)


_CLASHES: Columns = {
    "NAME": name_of,
    "VERSION": lambda row: text(row, "version"),
    "REGISTRIES": lambda row: ", ".join(name_of(one) for one in maps(row, "registries")),
}
_DETAILS: Columns = {
    "NAME": lambda row: text(row, "name"),
    "DISPLAY NAME": lambda row: text(row, "displayName"),
    "DESCRIPTION": lambda row: text(row, "description"),
    "LAYER": lambda row: text(row, "layer"),
    "TYPE": lambda row: text(row, "addonType"),
    "CLOUDS": lambda row: ", ".join(texts(row, "cloudTypes")),
    "REGISTRY": lambda row: text(row, "registry"),
    "TAG": lambda row: text(row, "tag"),
    "UID": lambda row: text(row, "uid"),
    "NOT READ": lambda row: text(row, "fault"),
    "PRESETS": lambda row: ", ".join(text(one, "name") for one in maps(row, "presets")),
    "TAGS": _tags,
}
