"""Macros in templates, left as they are: they are resolved where a profile is deployed.

An action that holds a reference `.spectro.…` is a macro, whatever else stands in it (format
specification, "Macros"). In a template it is written as a text that gives the macro itself.
"""

from __future__ import annotations

import json

from packyard.profiles.actions import Action, read


def holds_macro(text: str) -> bool:
    return any(isinstance(piece, Action) for piece in read(text))


def guarded(text: str) -> str:
    """A template that gives its macros back, every other action as it stands, on its line."""
    return "".join(piece if isinstance(piece, str) else _guarded(piece) for piece in read(text))


def _guarded(action: Action) -> str:
    inside = action.text[2 + action.trims_before : -2 - action.trims_behind]
    macro = f"{{{{{inside}}}}}"
    literal = json.dumps(macro, ensure_ascii=False) if "`" in macro else f"`{macro}`"
    # A raw text keeps its line ends, so the lines below stay where they are.
    front, back = "- " if action.trims_before else " ", " -" if action.trims_behind else " "
    return f"{{{{{front}{literal}{back}}}}}"
