"""Times of the store: what is kept can be written down, whatever it is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from packyard.storage.content import microseconds, moment


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("1970-01-01T00:00:00.000001Z", 1),
        ("1969-12-31T23:59:59Z", -1_000_000),
        ("2026-02-03T04:05:06.700000+02:00", 1_770_084_306_700_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
    ],
)
def test_times_are_exact_there_and_back(text: str, time: int) -> None:
    meant = datetime.fromisoformat(text)
    assert microseconds(meant) == time
    assert moment(time) == meant


def test_a_time_beyond_the_calendar_is_none_and_is_written_as_its_end() -> None:
    for text in ("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"):
        with pytest.raises(OverflowError):
            microseconds(datetime.fromisoformat(text))
    assert moment(2**63 - 1) == datetime.max.replace(tzinfo=UTC)
    assert moment(-(2**63)) == datetime.min.replace(tzinfo=UTC)
