"""The registries of a hub as rows: all kinds in one list, and what a screen shows of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packyard.cli.hub import registry_sync
from packyard.cli.hub.registry_form import PATH, Kind, is_read
from packyard.cli.output import Columns, moment
from packyard.remotes.items import REGISTRY, Item, at, name_of, pick, text, uid_of

if TYPE_CHECKING:
    from packyard.remotes.hub import Hub

_SUMMARIES = ("pack", "helm", "oci")


def every(hub: Hub) -> list[Item]:
    """Of all kinds, the own one first, then by name: what their lists say, and their `kind`."""
    listed = {uid_of(row): row for row in hub.items(f"{PATH}/metadata")}
    summaries = [row for kind in _SUMMARIES for row in hub.items(f"{PATH}/{kind}/summary")]
    found = {uid_of(row): row for row in summaries}
    return [
        {**row, **found[uid], "kind": _kind_word(row, found[uid])}
        for uid, row in listed.items()
        if uid in found
    ]


def find(hub: Hub, registry: str) -> Item:
    return pick(every(hub), REGISTRY, registry, hub.host)


def _kind_word(listed: Item, summary: Item) -> str:
    ecr = text(summary, "spec.registryType") == "ecr"
    return Kind.ECR.value if ecr else text(listed, "kind")


def kind_of(row: Item) -> Kind:
    return Kind(text(row, "kind"))


def is_own(row: Item) -> bool:
    return at(row, "isDefault") is True


def _state(row: Item) -> str:
    if not is_read(row):
        return "not synchronized"
    return text(row, "status.sync.status") or "not yet"


_WAYS = {
    "noAuth": "",
    "basic": "with a password",
    "token": "with a token",
    "secret": "with a secret key",
    "sts": "as a role",
}


_CONTENTS = {"helm": "charts", "pack": "packs", "zarf": "Zarf packages"}


def _content(row: Item) -> str:
    """Where the kind leaves it open."""
    return _CONTENTS.get(text(row, "spec.providerType"), "")


def _first(row: Item, *paths: str) -> str:
    return next(filter(None, (text(row, path) for path in paths)), "")


def _way(row: Item) -> str:
    said = _first(row, "spec.auth.type", "spec.credentials.credentialType")
    return _WAYS.get(said, said)


def _tls(row: Item) -> str:
    """What is said of it; nothing where the authorities of the system are trusted alone."""
    place = "spec.auth.tls" if at(row, "spec.auth") else "spec.tls"
    if at(row, f"{place}.insecureSkipVerify") is True:
        return "not verified"
    own = _first(row, f"{place}.certificate", f"{place}.ca")
    return "verified, with certificates of its own" if own else ""


def _progress(row: Item) -> str:
    """Of one that runs."""
    total = text(row, "sync.status.progress.total")
    if text(row, "sync.status.status") != "InProgress" or total in ("", "0"):
        return ""
    return f"{text(row, 'sync.status.progress.done')} of {total} versions"


def _lines(row: Item) -> str:
    found = at(row, "sync")
    return "\n".join(registry_sync.faults(found)) if isinstance(found, dict) else ""


COLUMNS: Columns = {
    "NAME": name_of,
    "KIND": lambda row: text(row, "kind"),
    "HOLDS": _content,
    "ENDPOINT": lambda row: text(row, "spec.endpoint"),
    "STATUS": _state,
    "SYNCHRONIZED": lambda row: moment(text(row, "status.sync.lastSyncedTime")),
}
DETAILS: Columns = {
    "NAME": name_of,
    "KIND": lambda row: text(row, "kind"),
    "HOLDS": _content,
    "ENDPOINT": lambda row: text(row, "spec.endpoint"),
    "BASE PATH": lambda row: text(row, "spec.basePath"),
    "CONTENT PATHS": lambda row: text(row, "spec.baseContentPath"),
    "SIGNS IN": _way,
    "AS": lambda row: _first(
        row, "spec.auth.username", "spec.credentials.accessKey", "spec.credentials.sts.arn"
    ),
    "TLS": _tls,
    "STATUS": lambda row: _state({**row, "status": {"sync": at(row, "sync.status")}}),
    "MESSAGE": lambda row: text(row, "sync.status.message"),
    "PROGRESS": _progress,
    "SYNCHRONIZED": lambda row: moment(text(row, "sync.status.lastSyncedTime")),
    "UID": uid_of,
    "REPORT": _lines,
}
