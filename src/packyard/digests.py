"""Digests: content's name made from its bytes (OCI image specification, descriptor, "Digests").

A `Digest` is a `str` of the form `sha256:<64 hex>` or `sha512:<128 hex>` that went through
`parse_digest` or was computed here; a plain `str` never stands for one.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NewType

from packyard.errors import DigestInvalid

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

Digest = NewType("Digest", str)

_HEX_LENGTH = {"sha256": 64, "sha512": 128}
_FORM = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+")


def parse_digest(text: str) -> Digest:
    """Raise `DigestInvalid` unless `text` is a digest of an algorithm that we verify."""
    algorithm, _, encoded = text.partition(":")
    length = _HEX_LENGTH.get(algorithm)
    if length is None and _FORM.fullmatch(text):
        known = " and ".join(_HEX_LENGTH)
        raise DigestInvalid(f"Digest algorithm {algorithm!r} is not supported: use {known}.")
    if length is None or len(encoded) != length or not set(encoded) <= set("0123456789abcdef"):
        raise DigestInvalid(
            f"{text[:160]!r} is not a digest: it reads sha256:<64 lower-case hex digits> "
            "or sha512:<128>."
        )
    return Digest(text)


def algorithm_of(digest: Digest) -> str:
    return digest.partition(":")[0]


def hasher(algorithm: str) -> Hash:
    """A running hash of a supported algorithm; `finish` makes the digest of it."""
    if algorithm not in _HEX_LENGTH:
        raise DigestInvalid(f"Digest algorithm {algorithm!r} is not supported.")
    return hashlib.new(algorithm, usedforsecurity=False)


def finish(running: Hash) -> Digest:
    return Digest(f"{running.name}:{running.hexdigest()}")


def digest_of(data: bytes, algorithm: str = "sha256") -> Digest:
    running = hasher(algorithm)
    running.update(data)
    return finish(running)
