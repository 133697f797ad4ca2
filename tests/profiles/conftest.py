"""One engine for all tests of profiles."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from packyard.charts.engine import Engine as Worker
from packyard.profiles.filling import Engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with Worker(size=1) as worker:
        yield worker.fill
