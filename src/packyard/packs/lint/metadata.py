"""What is unwise in pack.json, though a push takes it (spec "pack.json")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import partial
from itertools import chain

from packyard.errors import TagInvalid
from packyard.findings import Finding, Position
from packyard.packs.members import Members
from packyard.packs.model import CLOUD_TYPES, PACK_JSON, PATH_KEYS, Layer
from packyard.packs.rules import found, near
from packyard.packs.tags import split_tag, tag_of
from packyard.packs.version import Version, is_semver

KEYS = (
    "name", "displayName", "version", "layer", "addonType", "addonSubType", "cloudTypes",
    "cloudType", "group", "eol", "annotations", "charts", "kubeManifests", "ansibleRoles",
    "constraints",
)  # fmt: skip
_SYSTEM_STATES = ("deprecated", "deleted")
_FLAGS = ("disabled", "ingressSupported", "prerequisitesRequired")

_found = partial(found, file=PACK_JSON)


def metadata(members: Members) -> Iterator[Finding]:
    """Every rule about what pack.json says by itself."""
    return chain(
        _version(members),
        _group(members),
        _addon_type(members),
        _cloud_types(members),
        _eol(members),
        _blanks(members),
        _annotations(members),
        _nothing_to_deploy(members),
        _repeated_paths(members),
        unknown_keys(members, KEYS),
    )


def _place(members: Members, key: str) -> Position:
    node = members.node(key)
    return node.at if node else (1, 1)


def _version(members: Members) -> Iterator[Finding]:
    text, at = members.text("version"), _place(members, "version")
    version = Version.parse(text)
    about = partial(_found, path="version", at=at)
    if text and version is None:
        yield about(
            "pack-json.version-unordered",
            f"The version {text[:80]!r} does not begin with a number, so it sorts below all others "
            "and gets no parent tags.",
            mend="Write it as semantic versioning does: 1.2.3.",
        )
    elif text[:1] in ("v", "V"):
        yield about(
            "pack-json.version-leading-v",
            f"The version {text!r} begins with a {text[0]!r}.",
            mend=f'Write "{text[1:]}".',
        )
    elif version and not is_semver(text):
        yield about(
            "pack-json.version-not-semver",
            f"The version {text!r} is not semantic versioning; it is compared number by number.",
            mend=f'"{_as_semver(version)}" says the same.' if "+" not in text else "",
        )


def _as_semver(version: Version) -> str:
    numbers = (*version.numbers, 0, 0)[: max(3, len(version.numbers))]
    return "-".join(filter(None, (".".join(map(str, numbers)), version.prerelease)))


def _group(members: Members) -> Iterator[Finding]:
    group, version = members.text("group"), members.text("version")
    try:
        tag = tag_of(group, version)
    except TagInvalid:
        return
    if split_tag(tag) != (group, version.replace("+", "_")):
        yield _found(
            "pack-json.label-ambiguous",
            f"The tag {tag!r} reads as group {split_tag(tag)[0]!r} and version "
            f"{split_tag(tag)[1]!r}, because it splits at the first '__'.",
            mend="Leave '__' out of the version, and out of the group and its end.",
            path="group",
            at=_place(members, "group"),
        )


def _addon_type(members: Members) -> Iterator[Finding]:
    layer, addon_type = members.text("layer"), members.text("addonType")
    if layer == Layer.ADDON and not addon_type:
        yield _found(
            "pack-json.addon-type-missing",
            "An add-on pack without addonType stands in no group of the catalog.",
            mend='Add for example "addonType": "system app".',
            path="addonType",
            at=_place(members, "layer"),
        )
    elif addon_type and layer in set(Layer) - {Layer.ADDON}:
        yield _found(
            "pack-json.addon-type-unused",
            f"addonType means nothing in a pack of layer {layer!r}.",
            mend="Remove it.",
            path="addonType",
            at=_place(members, "addonType"),
        )


def _cloud_types(members: Members) -> Iterator[Finding]:
    given = [(text, node) for text, node in members.texts("cloudTypes") if text.strip()]
    one = members.node("cloudType")
    if one and (text := members.text("cloudType")):
        given.append((text, one))
    if not given:
        yield _found(
            "pack-json.cloud-types-missing",
            "The pack says for no cloud that it can be used there.",
            mend='Add "cloudTypes": ["all"], or name the clouds.',
            path="cloudTypes",
            at=_place(members, "cloudTypes"),
        )
    for text, node in given:
        about = partial(_found, path="cloudTypes", at=node.at)
        if text not in CLOUD_TYPES:
            meant = near(text, CLOUD_TYPES)
            yield about(
                "pack-json.cloud-type-unknown",
                f"{text[:80]!r} is no cloud type.",
                mend=f"Did you mean {meant!r}?" if meant else f"Known: {', '.join(CLOUD_TYPES)}.",
            )
        elif text == "all" and len(given) > 1:
            yield about(
                "pack-json.cloud-type-redundant",
                "'all' stands beside other cloud types, so these mean nothing.",
                mend="Keep either 'all' or the others.",
            )


def _eol(members: Members) -> Iterator[Finding]:
    text = members.text("eol")
    try:
        sound = not text or (len(text) == len("2026-01-31") and date.fromisoformat(text))
    except ValueError:
        sound = False
    if not sound:
        yield _found(
            "pack-json.eol-form",
            f"eol is {text[:80]!r}, which is no date.",
            mend='Write the year, month and day: "2026-01-31".',
            path="eol",
            at=_place(members, "eol"),
        )


def _blanks(members: Members) -> Iterator[Finding]:
    for key in ("group", "eol", "addonType", "addonSubType", "cloudType"):
        node = members.node(key)
        if node and isinstance(node.value, str) and node.value.isspace():
            yield _found(
                "pack-json.blank",
                f"The property {key!r} holds blanks only, which count as absent.",
                mend="Remove it.",
                path=key,
                at=node.at,
            )


def _annotations(members: Members) -> Iterator[Finding]:
    node = members.node("annotations")
    inner = node.value if node and isinstance(node.value, dict) else {}
    for key, allowed in {
        "system_state": _SYSTEM_STATES,
        **dict.fromkeys(_FLAGS, ("true", "false")),
    }.items():
        value = inner.get(key)
        if value and isinstance(value.value, str) and value.value not in ("", *allowed):
            yield _found(
                "pack-json.annotation-value",
                f"The annotation {key!r} is {value.value[:80]!r}, which has no meaning.",
                mend=f"It can be {' or '.join(map(repr, allowed))}.",
                path=f"annotations.{key}",
                at=value.at,
            )


def _nothing_to_deploy(members: Members) -> Iterator[Finding]:
    layer = members.text("layer")
    if layer in (Layer.ADDON, Layer.CNI, Layer.CSI) and not (
        members.texts("charts") or members.texts("kubeManifests")
    ):
        yield _found(
            "pack-json.nothing-to-deploy",
            f"A pack of layer {layer!r} with neither charts nor kubeManifests deploys nothing.",
            mend="Name its charts or manifests.",
            at=(1, 1),
        )


def _repeated_paths(members: Members) -> Iterator[Finding]:
    for key in PATH_KEYS:
        seen: set[str] = set()
        for text, node in members.texts(key):
            if text in seen:
                yield _found(
                    "pack-json.path-repeated",
                    f"{text!r} is named twice.",
                    mend="Remove one of the two.",
                    path=key,
                    at=node.at,
                )
            seen.add(text)


def unknown_keys(members: Members, known: Iterable[str]) -> Iterator[Finding]:
    """Keys that look like a misspelt known one; any other key is the author's own."""
    lower = {key.lower() for key in known}
    for key, node in members.written().items():
        meant = "" if key.lower() in lower else near(key, known)
        if meant:
            yield _found(
                "pack-json.key-unknown",
                f"The key {key!r} has no meaning here.",
                mend=f"Did you mean {meant!r}?",
                path=members.path(key),
                at=node.key_at,
            )
