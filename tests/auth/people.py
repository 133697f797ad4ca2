"""Policies over a store as the server makes them, and people in the forms that requests have."""

from __future__ import annotations

import base64
from pathlib import Path

from packyard.auth.accounts import Accounts
from packyard.auth.htpasswd import Htpasswd
from packyard.auth.policy import Policy
from packyard.auth.secrets import Secrets
from packyard.auth.tokens import Tokens
from packyard.storage.store import Store


def make_tokens(store: Store) -> Tokens:
    """With keys of their own, which replace what the store had."""
    secrets = Secrets.load()
    secrets.start_anew(store)
    return Tokens(store, secrets)


def make_policy(
    store: Store,
    file: Path | None = None,
    *,
    tokens: Tokens | None = None,
    realm: str = "Packyard",
    anonymous_pull: bool = False,
    deletes: bool = True,
    read_only: bool = False,
) -> Policy:
    accounts = Accounts(store, Htpasswd(file) if file else None)
    return Policy(
        store,
        accounts,
        tokens or make_tokens(store),
        realm=realm,
        anonymous_pull=anonymous_pull,
        deletes=deletes,
        read_only=read_only,
    )


def basic(name: str, password: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{name}:{password}".encode())
