"""Work on the store that the command line asks for: beside a running server, or without one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from packyard.auth import users
from packyard.config import load
from packyard.errors import ConfigurationInvalid, Unavailable
from packyard.server.app import open_store
from packyard.storage.gc import Collected, collect
from packyard.storage.store import Store

__all__ = ["Collected", "collect_garbage", "reset_password"]


def collect_garbage(
    config_path: Path | None,
    environ: Mapping[str, str],
    *,
    dry_run: bool,
    grace: timedelta | None,
    untagged: bool,
) -> Collected:
    """One run of garbage collection; a dry run changes nothing and says what one would free."""
    with _store(config_path, environ) as store:
        return collect(store, dry_run=dry_run, grace=grace, untagged=untagged)


def reset_password(config_path: Path | None, environ: Mapping[str, str], name: str) -> str:
    """Give a user a new, generated password; answers it."""
    with _store(config_path, environ) as store:
        return users.reset_password(store, name)


@contextmanager
def _store(config_path: Path | None, environ: Mapping[str, str]) -> Iterator[Store]:
    """The store of a configuration, which has to be there."""
    config = load(config_path, environ)
    root = config.storage.root
    if root is None:
        raise ConfigurationInvalid(
            "The store is in the server's memory (storage: inmemory): no other process sees it."
        )
    if not root.is_dir():
        raise Unavailable(
            f"There is no store at {root}: start the server once, or name its configuration."
        )
    store = open_store(config)
    try:
        store.check_ready()
        yield store
    finally:
        store.close()
