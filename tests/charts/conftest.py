"""One engine for the tests that do not harm it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from packyard.charts.engine import Engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine
