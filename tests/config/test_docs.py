"""`docs/configuration.md` lists every key as the loader reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING
from datetime import timedelta
from pathlib import Path

from packyard.config import foreign, load
from packyard.config.keys import Key, all_keys, words
from packyard.config.kinds import Size
from packyard.server.app import DEFAULT_HEADERS, TLS_HEADERS

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
HEAD = [
    "| key | value | default | variable | meaning |",
    "|---|---|---|---|---|",
]


def rows() -> Iterator[str]:
    """The table of keys, as the page has to have it."""
    yield from HEAD
    for key in all_keys().values():
        cells = [f"`{key.name}`", value(key), default(key), f"`{key.variable}`", key.shape.meaning]
        yield f"| {' | '.join(cells)} |"


def value(key: Key) -> str:
    assert key.shape.kind
    name = key.shape.kind.name
    return (
        f"{key.shape.many} of: {name}"
        if key.shape.many == "list"
        else {
            "": name,
            "map": "names and values",
            "map of lists": "names and lists of values",
        }[key.shape.many]
    )


def default(key: Key) -> str:
    if key.default is MISSING:
        return "must be given"
    return f"`{written}`" if (written := _written(key.default)) else "none"


def _written(default: object) -> str:
    if isinstance(default, timedelta):
        seconds = int(default.total_seconds())
        return f"{seconds // 3600}h" if seconds % 3600 == 0 else f"{seconds}s"
    if isinstance(default, Size):
        return f"{default >> 20}MiB"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return f"[{', '.join(map(str, default))}]" if default else ""
    if default is None or default == "" or (isinstance(default, Mapping) and not default):
        return ""
    return str(default)


def test_the_page_lists_every_key_as_it_is_read() -> None:
    table = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    assert table == list(rows())


def test_the_page_names_every_key_that_warns_or_is_refused() -> None:
    text = PAGE.read_text()
    for name in [*foreign.IGNORED, *foreign.REFUSED]:
        assert f"`{name}`" in text, f"{name} is not in {PAGE.name}"


def test_the_page_names_every_default_header() -> None:
    text = PAGE.read_text()
    for name, value in (DEFAULT_HEADERS | TLS_HEADERS).items():
        assert f"{name}: {value}\n" in text


def test_the_example_of_the_page_can_be_used(tmp_path: Path) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert examples
    for number, example in enumerate(examples):
        file = tmp_path / f"{number}.yml"
        file.write_text(example)
        assert load(file, {}).warnings == ()


def test_every_section_that_can_be_a_word_is_told() -> None:
    text = PAGE.read_text()
    for path, known in words().items():
        assert any(f"`{'.'.join(path)}: {word}`" in text for word in known)
