"""A whole document put under keys, as the values of a chart stand in those of a pack.

Every line is kept, only deeper: comments, quoting and anchors stay. Where a document cannot stand
deeper as it is written (a directive, a tab that indents), it is written anew without its comments.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from packyard.packs.yaml.nodes import BOM, same
from packyard.packs.yaml.reader import Limits, compose
from packyard.packs.yaml.scalars import Value
from packyard.packs.yaml.writer import Style, entry

_STEP = 2
_START = re.compile(r"^(?:%[^\n]*\n)*---[ \t]*(?:\r?\n|\Z)", re.MULTILINE)
_END = re.compile(r"^\.\.\.[ \t]*(?:\r?\n|\Z)", re.MULTILINE)
_DEEPER = re.compile(r"^(?=[^\r\n])", re.MULTILINE)


def nest(text: str, data: Value, keys: Sequence[str], limits: Limits) -> str:
    """`text`, which reads as `data`, under `keys`; nothing but comments becomes an empty map."""
    data = {} if data is None else data
    wanted: Value = data
    for key in reversed(keys):
        wanted = {key: wanted}
    written = _deeper(text, data, keys)
    tree, _ = compose(written, "", limits)
    if tree and tree.root and same(tree.root.data, wanted):
        return written
    (key,) = keys[:1]
    below: Value = wanted[key] if isinstance(wanted, dict) else wanted
    return "\n".join(entry(key, below, Style())) + "\n"


def _deeper(text: str, data: Value, keys: Sequence[str]) -> str:
    body = _END.sub("", _START.sub("", text.removeprefix(BOM), count=1), count=1)
    heads = [
        " " * (_STEP * level) + line
        for level, key in enumerate(keys)
        for line in entry(key, None, Style())[:1]
    ]
    heads = [head.removesuffix(" null").removesuffix(" ~") for head in heads]
    if not data and not body.lstrip().startswith(("{", "[")):
        heads[-1] += " {}"
    indented = _DEEPER.sub(" " * (_STEP * len(keys)), body)
    return "\n".join(heads) + "\n" + indented
