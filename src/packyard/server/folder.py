"""What a server keeps on its disk, opened as its configuration says: for the server itself, and for
commands that work on the same folder and are not to wait until a whole server is imported."""

from __future__ import annotations

from packyard.auth import keyring
from packyard.auth.secrets import Secrets
from packyard.config import Config
from packyard.storage.store import Store


def open_store(config: Config) -> Store:
    return Store.open(config.storage.root, grace=config.gc.grace)


def open_secrets(config: Config) -> Secrets:
    """By the configured keys, or those of the key file; in memory by one that ends with us."""
    root = config.storage.root
    file = config.secrets.keyfile or (root / keyring.FILE if root else None)
    return Secrets.load(config.secrets.keys, file)
