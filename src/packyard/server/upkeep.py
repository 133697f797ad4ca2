"""Work on a server's store from the command line, also while the server runs.

Whoever may read and write the data folder may do anything here; the audit has the name under which
they are known to this machine.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from packyard.config import Config, load
from packyard.errors import ConfigurationInvalid
from packyard.server.folder import open_store
from packyard.storage.audit import ORIGIN, Origin
from packyard.storage.gc import Collected, collect
from packyard.storage.store import Store

__all__ = ["Collected", "collect_garbage", "own_store"]


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
    with own_store(config) as store:
        return collect(store, dry_run=dry_run, grace=grace, untagged=untagged, upload_age=age)


@contextmanager
def own_store(config: Config) -> Iterator[Store]:
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
    origin = ORIGIN.set(Origin(actor=_caller(), via="cli"))
    try:
        store.check_ready()
        yield store
    finally:
        ORIGIN.reset(origin)
        store.close()


def _caller() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # any number may run a container, and few have a name there
        return f"uid {os.getuid()}"
