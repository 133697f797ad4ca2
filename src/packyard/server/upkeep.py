"""Work on a server's store from the command line, also while the server runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from packyard.auth import users
from packyard.config import Config, load
from packyard.errors import ConfigurationInvalid
from packyard.server.app import open_store
from packyard.storage.gc import Collected, collect
from packyard.storage.store import Store

__all__ = ["Collected", "collect_garbage", "reset_password"]


def collect_garbage(
    config_path: Path | None,
    environ: Mapping[str, str],
    *,
    dry_run: bool = False,
    grace: timedelta | None = None,
    untagged: bool = False,
) -> Collected:
    """One collection now; `grace` is the configured one unless given."""
    config = load(config_path, environ)
    age = config.storage.maintenance.uploadpurging.age
    with _store(config) as store:
        return collect(store, dry_run=dry_run, grace=grace, untagged=untagged, upload_age=age)


def reset_password(config_path: Path | None, environ: Mapping[str, str], name: str) -> str:
    """A new password for a user; the admin is made where there is none. See `auth.users`."""
    with _store(load(config_path, environ)) as store:
        return users.reset_password(store, name)


@contextmanager
def _store(config: Config) -> Iterator[Store]:
    """The store that is there; none is made, since that would be the wrong one."""
    root = config.storage.root
    if root is None:
        raise ConfigurationInvalid("The store is in memory: only its server can reach it.")
    if not (root / "packyard.db").exists():
        raise ConfigurationInvalid(
            f"There is no store in {root.absolute()}. Name the configuration of the server, or its "
            "data folder in PACKYARD_STORAGE_FILESYSTEM_ROOTDIRECTORY."
        )
    store = open_store(config)
    try:
        store.check_ready()
        yield store
    finally:
        store.close()
