"""Lists in long JSON documents, item by item, however the bytes come."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packyard.packs.yaml.stream import TOO_LARGE, Odd, listed_items
from packyard.remotes.json_stream import NotJson, json_items

NAMES = st.text(max_size=4)
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.floats(-1e9, 1e9)
ITEMS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)
)
LISTS = st.dictionaries(NAMES, st.lists(ITEMS, max_size=4), max_size=4)


class Dribbling(io.BytesIO):
    """Gives few bytes at a time, whatever is asked for."""

    def __init__(self, data: bytes, step: int) -> None:
        super().__init__(data)
        self.step = step

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self.step)


def items(text: str | bytes, step: int = 1000) -> list[tuple[str, Any]]:
    data = text.encode() if isinstance(text, str) else text
    return list(json_items(Dribbling(data, step), "entries"))


@settings(max_examples=60)
@given(LISTS, st.booleans(), st.integers(1, 7), st.sampled_from([None, 1]))
def test_items_are_what_the_whole_document_says(
    lists: dict[str, list[Any]], plain: bool, step: int, indent: int | None
) -> None:
    whole = {"before": [1.5, {"a": [2]}], "entries": lists, "after": -12}
    text = json.dumps(whole, ensure_ascii=plain, indent=indent)
    text = text.encode("utf-8", "ignore").decode()  # as files are: without lone surrogates
    expected = json.loads(text)["entries"]
    assert items(text, step) == [(name, item) for name, found in expected.items() for item in found]


def test_what_is_no_list_hides_no_other() -> None:
    a, b = items('\ufeff{"entries": {"a": 7, "none": null, "b": [1]}}')
    assert isinstance(a[1], Odd)
    assert b == ("b", 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "no key 'entries'"),
        ('{"entries": []}', "not a map"),
        ('{"entries": {"a": [1, 2', "line 1"),
        ('{"entries": {"a": [1 2]}}', "']' is missing"),
        ('{"entries": {"a" [1]}}', "':' is missing"),
        ('{"entries": {a: [1]}}', "a key is missing"),
        ('{\n"entries": {}\n} x', "something follows its end .line 3."),
        ('{"entries": {"a": [' + "[" * 100_000, "nested too deeply"),
        (b'{"entries": {"a": ["\xff"]}}', "not UTF-8"),
        (b'{"entries": {"a": ["\xc3', "not UTF-8"),
    ],
)
def test_what_is_no_such_document_is_refused(text: str | bytes, said: str) -> None:
    with pytest.raises(NotJson, match=said):
        items(text)


def test_no_value_is_read_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, limit in (("_VALUE_LIMIT", 10_000), ("_TEXT_LIMIT", 50_000), ("_PIECE", 1000)):
        monkeypatch.setattr(f"packyard.remotes.json_stream.{name}", limit)
    for large in ('"' + 'x\\"]' * 5_000 + '"', "[" + "[],{}," * 5_000 + '"]"]'):
        large_one, small = items(f'{{"x": {large}, "entries": {{"a": [{large}, 1]}}}}')
        assert large_one == ("a", Odd(TOO_LARGE))
        assert small == ("a", 1)
    number = "9" * 5_000  # more digits than `int` reads
    assert items('{"entries": {"a": [' + number + ", 1]}}") == [("a", number), ("a", 1)]
    for endless in ('["' + "x" * 100_000 + '"]', '["' + "x" * 20_000):
        with pytest.raises(NotJson, match="cannot be read"):
            items('{"entries": {"a": ' + endless + "}}")
    with pytest.raises(NotJson, match="a key is too long"):
        items('{"' + "x" * 20_000 + '": 1}')
    monkeypatch.setattr("packyard.remotes.json_stream._SKIPPED_TOKENS", 1000)
    with pytest.raises(NotJson, match="too much of it"):
        items('{"entries": {"a": [[' + "[]," * 10_000 + "1]]}}")


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("item", "taken"),
    [
        ([0] * 19_000, True),
        ([0] * 20_000, False),
        ({"text": "x" * 64 * 19_000}, True),
        ({"text": "x" * 64 * 20_000}, False),
        ({str(number): 1 for number in range(10_000)}, False),
        (nested(60), True),
        (nested(61), False),
    ],
)
def test_an_item_is_as_large_as_in_yaml(item: object, taken: bool) -> None:
    text = json.dumps({"entries": {"a": [item, 1]}})
    expected = item if taken else Odd(TOO_LARGE)
    assert items(text, 1 << 20) == [("a", expected), ("a", 1)]
    yaml = io.BytesIO(text.encode())
    assert list(listed_items(yaml, "entries", "index.yaml")) == [("a", expected), ("a", 1)]
