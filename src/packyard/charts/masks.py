"""Values taken out of messages: Helm repeats what a template or a schema was given.

What stands in the chart's own defaults is no secret and stays. Words of one or two characters,
small numbers and the words of YAML stay too, or no message could be read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

MASK = "***"
_SHORT = 8  # from this length on, a value is masked inside words as well
_SHORTEST = 3
_PLAIN = {"true", "false", "null", "none", "yes", "no", "default"}
_QUOTED = re.compile(r"`[^`]*`")


def masked(message: str, given: object, known: object) -> str:
    """`message` without the scalars of `given` that are not in `known`."""
    secrets = set(_scalars(given)) - set(_scalars(known))
    spellings = {spelling for secret in secrets for spelling in _spellings(secret)}
    present = sorted((s for s in spellings if s in message), key=len, reverse=True)
    if present:
        message = re.sub("|".join(map(_pattern, present)), MASK, message)
    return message


def unquoted(message: str) -> str:
    """A message of Go's YAML reader without the beginnings of values that it quotes."""
    return _QUOTED.sub(f"`{MASK}`", message)


def _pattern(spelling: str) -> str:
    escaped = re.escape(spelling)
    return escaped if len(spelling) >= _SHORT else rf"(?<!\w){escaped}(?!\w)"


def _spellings(secret: str) -> Iterator[str]:
    """The forms in which one value can stand in a message."""
    yield secret
    yield json.dumps(secret, ensure_ascii=False)[1:-1]  # nearly as Go quotes it
    yield json.dumps(secret)[1:-1]
    for line in secret.splitlines():
        if len(line.strip()) >= _SHORT:
            yield line.strip()


def _scalars(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from _scalars(value)
    elif isinstance(node, list):
        for item in node:
            yield from _scalars(item)
    elif isinstance(node, str):
        if len(node) >= _SHORTEST and node.lower() not in _PLAIN:
            yield node
    elif isinstance(node, int | float) and not isinstance(node, bool):
        text = json.dumps(node)
        if len(text) > _SHORTEST:
            yield text
