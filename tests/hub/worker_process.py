"""A process that synchronizes what is due in a store, until it is killed:
`python -m tests.hub.worker_process FOLDER LEASE_SECONDS`. Says `ready` when it begins."""

from __future__ import annotations

import sys
import threading
from datetime import timedelta
from pathlib import Path

from packyard.auth.secrets import Secrets
from packyard.hub.schedule import Times
from packyard.hub.sync import Sync
from packyard.hub.worker import Worker
from packyard.storage.store import Store
from tests.hub.syncing import settings


def main() -> None:
    root, lease = Path(sys.argv[1]), float(sys.argv[2])
    store = Store.open(root)
    times = Times(lease=timedelta(seconds=lease), retry=timedelta(seconds=1))
    sync = Sync(store, Secrets.load(file=root / "secrets.key"), settings(), times)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    Worker(store, sync, times).work(threading.Event())


if __name__ == "__main__":
    main()
