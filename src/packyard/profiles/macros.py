"""What is wrong with the macros in a profile's values, before anything is put in their place
(macros.md, sections 1, 5, 6 and 7).

What nothing can ever fill refuses or blocks; what another profile of the cluster, or the cluster
itself, may fill is a hint.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from packyard.charts.template import unrepeatable
from packyard.findings import Finding
from packyard.packs.rules import near
from packyard.profiles.actions import Action, Family, Reference
from packyard.profiles.cells import Cell, unended_actions
from packyard.profiles.laid import LaidLayer
from packyard.profiles.lookup import find_layer, find_path, nearest
from packyard.profiles.model import Format, Variable
from packyard.profiles.rules import found
from packyard.profiles.scope import Scope
from packyard.profiles.system import RESERVED, SYSTEM_VALUES, is_of_applications

_STRINGS = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`', re.DOTALL)
_WORD = re.compile(r"(?<![\w.$])[A-Za-z_]\w*")
_CONTROL = {
    "block", "break", "continue", "define", "else", "end", "if", "range", "template", "with",
}  # fmt: skip
# Those of the clock, of the host and of other templates; the engine's own list has the rest.
_FORBIDDEN = {
    "date", "dateInZone", "dateModify", "date_in_zone", "date_modify", "env", "expandenv",
    "htmlDate", "htmlDateInZone", "include", "mustDateModify", "must_date_modify", "tpl",
}  # fmt: skip


def check_macros(
    layers: Sequence[LaidLayer],
    found_cells: Iterable[Cell],
    scope: Scope,
    variables: Sequence[Variable],
) -> list[Finding]:
    """Everything about each reference, in order; at the end the variables that none uses."""
    findings: list[Finding] = []
    defined = {variable.name: variable for variable in variables}
    used: set[str] = set()
    for cell in found_cells:
        findings += unended_actions(cell)
        for action in cell.actions:
            findings += _action(cell, action)
            for reference in action.references:
                findings += _reference(cell, action, reference, layers, scope, defined)
                if reference.family == Family.VARIABLE:
                    used.add(reference.name)
    for index, variable in enumerate(variables):
        if variable.name not in used:
            message = f"The variable {variable.name!r} is not used."
            findings.append(found("variable.unused", message, path=f"variables[{index}]"))
    return findings


def forbidden(action: Action) -> list[str]:
    """The functions in an action that macros may not use."""
    if action.bare:
        return []
    text = "".join(part for part in action.parts if isinstance(part, str))
    words = _WORD.findall(_STRINGS.sub(" ", text))
    return list(
        dict.fromkeys([*unrepeatable(f"{{{{{text}}}}}"), *filter(_FORBIDDEN.__contains__, words)])
    )


def control(action: Action) -> str:
    """The word by which an action is no expression but a part of a larger template; "" for none."""
    first = action.parts[0] if isinstance(action.parts[0], str) else ""
    word = _WORD.match(first.strip())
    return word[0] if word and word[0] in _CONTROL else ""


def _action(cell: Cell, action: Action) -> Iterator[Finding]:
    offset = action.references[0].offset
    if word := control(action):
        message = f"'{word}' spans several expressions; a macro is one expression by itself."
        mend = 'Write {{ ternary "a" "b" (eq … …) }}, or `default`.'
        yield cell.found("macro.syntax", message, offset, mend)
    for word in forbidden(action):
        message = (
            f"The function {word!r} may not be used with macros: its result depends on more than "
            "what it is given."
        )
        yield cell.found("macro.function", message, offset, "Write the value itself.")


def _reference(
    cell: Cell,
    action: Action,
    reference: Reference,
    layers: Sequence[LaidLayer],
    scope: Scope,
    defined: Mapping[str, Variable],
) -> Iterator[Finding]:
    name, offset = reference.name, reference.offset
    match reference.family:
        case Family.SYSTEM:
            yield from _system(cell, reference, scope)
        case Family.MACRO if name not in scope.macros:
            message = f"The macro {name!r} is defined neither in the project nor in the tenant."
            yield cell.found(
                "macro.unknown", message, offset, _meant(name, scope.macros, "Define it.")
            )
        case Family.VARIABLE:
            yield from _variable(cell, action, reference, defined)
        case Family.PACK:
            yield from _pack(cell, reference, layers)
        case Family.APPLICATION:
            message = f"{reference} belongs to application profiles and stays as it is."
            yield cell.found("macro.app", message, offset, "Remove it.")
        case family if family not in list(Family):
            message = f"There are no macros of the family {family[:80]!r}."
            mend = _meant(family, map(str, Family), f"Known: {', '.join(Family)}.")
            yield cell.found("macro.family-unknown", message, offset, mend)


def _system(cell: Cell, reference: Reference, scope: Scope) -> Iterator[Finding]:
    name, offset = reference.name, reference.offset
    if name in scope.system:
        return
    if name in SYSTEM_VALUES or name in RESERVED:
        message = f"{reference} is known only when a cluster is deployed."
        yield cell.found("macro.deployment", message, offset)
    elif is_of_applications(name):
        message = f"{reference} belongs to application profiles and stays as it is."
        yield cell.found("macro.app", message, offset, "Remove it.")
    else:
        message = f"There is no system value {name[:80]!r}."
        mend = _meant(name, SYSTEM_VALUES, "See the page on macros for those that exist.")
        yield cell.found("macro.system-unknown", message, offset, mend)


def _variable(
    cell: Cell, action: Action, reference: Reference, defined: Mapping[str, Variable]
) -> Iterator[Finding]:
    name, offset = reference.name, reference.offset
    variable = defined.get(name)
    if variable is None:
        message = f"The variable {name!r} is not defined in the profile."
        yield cell.found("variable.undefined", message, offset, _meant(name, defined, "Define it."))
        return
    if not action.bare:
        message = (
            f"A function is applied to the variable {name!r}, which the product does not support."
        )
        mend = "Apply it to a macro or to a value of a layer, or give the variable its result."
        yield cell.found("variable.piped", message, offset, mend)
    if cell.path[:2] == ("pack", "content"):
        message = f"The variable {name!r} stands in pack.content, where it is not replaced."
        yield cell.found("variable.place", message, offset, "Write the value itself.")
    elif cell.path[-1:] == ("system.uri",) and _others(cell):
        message = f"The variable {name!r} stands in system.uri beside other macros."
        yield cell.found("variable.place", message, offset, "Use either variables or macros there.")
    if cell.whole and variable.format in (Format.NUMBER, Format.BOOLEAN) and cell.path[0] != "pack":
        message = f"The {variable.format} {name!r} becomes a text here, since it stands in quotes."
        mend = "Where the chart needs another type, let the chart convert it."
        yield cell.found("variable.text", message, offset, mend)


def _others(cell: Cell) -> bool:
    """Whether a text refers to anything but variables."""
    references = (reference for action in cell.actions for reference in action.references)
    return any(reference.family != Family.VARIABLE for reference in references)


def _pack(cell: Cell, reference: Reference, layers: Sequence[LaidLayer]) -> Iterator[Finding]:
    offset = reference.offset
    target = find_layer(layers, reference.name, cell.own)
    if target is None:
        names = [layer.layer.pack or layer.name for layer in layers]
        message = f"No layer is of the pack that {reference} names; it becomes empty."
        mend = _meant(
            reference.name.partition(".")[0], names, f"The layers are {', '.join(names)}."
        )
        yield cell.found("macro.pack-absent", message, offset, mend)
        return
    index, rest = target
    values = layers[index].values
    if values is None:  # said already
        return
    path = find_path(values.document.data, rest) if rest else None
    if not rest:
        message = f"{reference} names a pack and none of its values; it becomes empty."
        yield cell.found("macro.pack-absent", message, offset, f"Name a value: {reference}.…")
    elif path is None:
        message = f"{layers[index].name} has no value {rest!r}; {reference} becomes empty."
        meant = nearest(values.document.data, rest)
        mend = f"Did you mean {meant!r}?" if meant else "Check its spelling, or add a default."
        yield cell.found("macro.pack-absent", message, offset, mend)
    elif isinstance(values.document.get(path), dict | list):
        message = f"{reference} refers to a map or a list, which has no form inside a text."
        yield cell.found(
            "macro.structure", message, offset, "Name a value below it, or use toYaml."
        )


def _meant(word: str, known: Iterable[str], otherwise: str) -> str:
    meant = near(word, known)
    return f"Did you mean {meant!r}?" if meant else otherwise
