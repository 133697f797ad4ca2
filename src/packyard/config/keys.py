"""The keys of `model` as a list: what each is called, in the file and in the environment."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from functools import cache
from typing import Annotated, Literal, Union, get_args, get_origin, get_type_hints

from packyard.config.kinds import KINDS, Kind
from packyard.config.model import Keys

Path = tuple[str, ...]
PREFIXES = ("PACKYARD_", "REGISTRY_")  # the first one counts where both are set
_UNIONS = (Union, types.UnionType)


@dataclass(frozen=True, slots=True)
class Shape:
    """What the value of a field looks like, and its meaning.

    Exactly one of `section` (a dataclass) and `kind` is set; `many` is empty for one value. An
    `alternative` is a section that is chosen by being there.
    """

    section: type | None = None
    kind: Kind | None = None
    many: Literal["", "list", "map", "map of lists"] = ""
    alternative: bool = False
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    path: Path
    shape: Shape
    default: object  # `MISSING` where it has to be given

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        """Without its prefix."""
        return "_".join(self.path).upper()


@cache
def members(section: type) -> Mapping[str, tuple[Field[object], Shape]]:
    """The fields of a section by name."""
    hints = get_type_hints(section, include_extras=True)
    return {field.name: (field, _shape(hints[field.name])) for field in fields(section)}


@cache
def all_keys() -> Mapping[Path, Key]:
    """Every key that takes a value, in the order of `model`."""
    return {key.path: key for key in _keys(Keys, ())}


@cache
def words() -> Mapping[Path, tuple[str, ...]]:
    """The sections that can be written as one word, with their words."""
    return {path: _words(section) for path, section in _sections(Keys, ()) if _words(section)}


def _keys(section: type, path: Path) -> Iterator[Key]:
    for name, (field, shape) in members(section).items():
        if shape.section:
            yield from _keys(shape.section, (*path, name))
        else:
            yield Key((*path, name), shape, _default(field))


def _sections(section: type, path: Path) -> Iterator[tuple[Path, type]]:
    yield path, section
    for name, (_, shape) in members(section).items():
        if shape.section:
            yield from _sections(shape.section, (*path, name))


def _words(section: type) -> tuple[str, ...]:
    return tuple(name for name, (_, shape) in members(section).items() if shape.alternative)


def _default(field: Field[object]) -> object:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _shape(hint: object) -> Shape:
    if get_origin(hint) is Annotated:
        plain, meaning = get_args(hint)
        return replace(_shape(plain), meaning=meaning)
    if hint in KINDS:
        return Shape(kind=KINDS[hint])
    origin, arguments = get_origin(hint), get_args(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return Shape(section=hint)
    if origin is Literal:
        return Shape(kind=_choice(arguments))
    if origin is tuple:
        return Shape(kind=_shape(arguments[0]).kind, many="list")
    if origin is Mapping:
        value = _shape(arguments[1])
        return Shape(kind=value.kind, many="map of lists" if value.many else "map")
    if origin in _UNIONS:
        inner = _shape(arguments[0])
        return Shape(section=inner.section, alternative=True) if inner.section else inner
    raise TypeError(f"{hint} is no kind of value that a configuration can hold")


def _choice(choices: tuple[str, ...]) -> Kind:
    name = " or ".join(choices) if len(choices) < 3 else f"one of {', '.join(choices)}"

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(name)
        return text

    return Kind(name, read)
