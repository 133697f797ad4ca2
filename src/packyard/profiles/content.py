"""What the pack of a layer holds, as somebody read it from a registry or a folder; or why not.

`check` and `resolve` get one of these for each layer, in order: `PackContent`, `Missing`, or None
where there is no pack to know (a manifest layer, a chart that is named by hand).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

from packyard.errors import ParameterInvalid, TagInvalid
from packyard.packs.files import Files
from packyard.packs.model import PACK_JSON, Pack, parse_pack_json
from packyard.packs.presets import PRESETS, Preset, choose, parse_presets
from packyard.packs.rules import near
from packyard.packs.schema import SCHEMA, Schema, parse_schema
from packyard.packs.tags import is_parent_form, newest_under, parent_tags
from packyard.packs.values import VALUES, Document
from packyard.profiles.model import ProfileLayer
from packyard.references import Tag, parse_tag

_NO_SCHEMA = Schema()


@dataclass(frozen=True, kw_only=True)
class PackContent:
    """`values` is the text of the pack's own values.yaml."""

    pack: Pack
    values: str = ""
    schema: Schema = _NO_SCHEMA
    presets: tuple[Preset, ...] = ()

    @cached_property
    def readable(self) -> Document | None:
        """The pack's own values; None where they are no YAML that Helm reads."""
        return Document.parse(self.values)[0]

    @property
    def defaults(self) -> Document:
        """The pack's own values; empty where they cannot be read."""
        return self.readable or Document.empty()

    @classmethod
    def of(cls, files: Files) -> PackContent | None:
        """None where the files are no pack."""
        pack, _ = parse_pack_json(_data(files, PACK_JSON))
        values = _data(files, VALUES).decode("utf-8", "replace")
        schema, presets = _data(files, SCHEMA), _data(files, PRESETS)
        return cls.read(pack, values, schema, presets) if pack else None

    @classmethod
    def read(
        cls, pack: Pack, values: str, schema: str | bytes, presets: str | bytes
    ) -> PackContent:
        """Of the texts of its files; what cannot be understood in them binds nothing."""
        parsed, _ = parse_schema(schema)
        named, _ = parse_presets(presets)
        return cls(pack=pack, values=values, schema=parsed or _NO_SCHEMA, presets=named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Why the pack of a layer is not there. With `tags` the pack is, but not under that tag.

    `names` are those of packs that are there, to name the nearest; `registry` is where it was
    looked for, "" for everywhere; it may be one that is not `there`.
    """

    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    registry: str = ""
    there: bool = True


Content: TypeAlias = PackContent | Missing | None


def resolved_tag(wanted: str, tags: Collection[str]) -> str | None:
    """The tag of the pack that `wanted` means among `tags`: itself, or the newest below a parent.

    A parent tag that a registry keeps itself is among its tags and needs no resolving; registries
    of others have none.
    """
    if wanted in tags:
        return wanted
    if not is_parent_form(wanted):
        return None
    return newest_under(Tag(wanted), filter(None, map(_first_tag, tags)))


def parents_of(tags: Collection[str]) -> list[str]:
    """The parent tags of all `tags`, each once."""
    firsts = filter(None, map(_first_tag, tags))
    return list(dict.fromkeys(parent for tag in firsts for parent in parent_tags(tag)))


def with_preset(layer: ProfileLayer, content: PackContent, name: str) -> ProfileLayer:
    """The layer with a preset of its pack chosen; only one of its group is.

    Raises `ParameterInvalid` where the pack has none of that name or the layer's values cannot be
    read, `ContentRefused` where the values get too large.
    """
    presets = {preset.name: preset for preset in content.presets}
    if name not in presets:
        meant = near(name, presets)
        mend = f"did you mean {meant!r}?" if meant else f"it has {', '.join(presets) or 'none'}."
        raise ParameterInvalid(f"{layer.name} has no preset {name[:80]!r}: {mend}")
    values, findings = (
        Document.parse(layer.values, layer.file) if layer.values.strip() else (content.defaults, [])
    )
    if values is None:
        raise ParameterInvalid(
            f"The values of {layer.name} cannot be read, so no preset can be chosen: "
            f"{findings[0].message}"
        )
    chosen = choose(values, content.defaults, content.presets, presets[name])
    return replace(layer, values=chosen.text)


def _first_tag(text: str) -> Tag | None:
    if is_parent_form(text):
        return None
    try:
        return parse_tag(text)
    except TagInvalid:
        return None


def _data(files: Files, name: str) -> bytes:
    return files[name].data if name in files else b""
