"""Macros in templates, left as they are: they are resolved where a profile is deployed.

An action that holds a reference `.spectro.…` is a macro, whatever else stands in it (format
specification, "Macros"). In a template it is written as a text that gives the macro itself.
"""

from __future__ import annotations

import json
import re

_ACTION = re.compile(r"\{\{(-?)(.*?)(-?)\}\}", re.DOTALL)
_REFERENCE = re.compile(r"(?<![\w.$])\.spectro\.")


def holds_macro(text: str) -> bool:
    return any(_REFERENCE.search(action[2]) for action in _ACTION.finditer(text))


def guarded(text: str) -> str:
    """A template that gives its macros back, every other action as it stands, on its line."""
    return _ACTION.sub(_guarded, text)


def _guarded(action: re.Match[str]) -> str:
    before, inside, after = action.groups()
    if not _REFERENCE.search(inside):
        return action.group()
    macro = f"{{{{{inside}}}}}"
    literal = json.dumps(macro, ensure_ascii=False) if "`" in macro else f"`{macro}`"
    # A raw text keeps its line ends, so the lines below stay where they are.
    front, back = ("- " if before else " "), (" -" if after else " ")
    return f"{{{{{front}{literal}{back}}}}}"
