"""Stores that have their tables, for tests that are not about migrations.

The tables come from a database that was migrated once in this process: a copy takes a millisecond
of the processor where migrating takes a hundred.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from packyard.storage.store import Store


def open_migrated(root: Path | None, **options: Any) -> Store:
    """As `Store.open` in a folder that is empty, or in memory; with all tables."""
    store = Store.open(root, **options)
    with store.database.locked(), closing(store.database.raw()) as own:
        _template().backup(own)
    return store


@cache
def _template() -> sqlite3.Connection:
    store = Store.open(None)
    store.migrate()
    kept = sqlite3.connect(":memory:", check_same_thread=False)
    with closing(store.database.raw()) as own:
        own.backup(kept)
    store.close()
    return kept
