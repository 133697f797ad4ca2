"""One engine for all tests of rendering."""

from tests.charts.conftest import engine

__all__ = ["engine"]
