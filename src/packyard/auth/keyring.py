"""The keys that seal secrets, and the file that they stand in.

<data folder>/secrets.key    mode 0600; one key a line, base64 of 32 bytes, "#" begins a comment
"""

from __future__ import annotations

import binascii
import hashlib
import logging
import os
import secrets
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packyard.errors import ConfigurationInvalid

_log = logging.getLogger(__name__)

FILE = "secrets.key"
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Ring:
    """Keys by their ids; the first one seals in a store without secrets. Never shown."""

    keys: Mapping[str, bytes]

    @classmethod
    def parse(cls, texts: Iterable[str], source: str) -> Ring:
        """Raises `ConfigurationInvalid`, without the text of a key."""
        keys = {}
        for number, text in enumerate(texts, start=1):
            try:
                key = b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
            except (binascii.Error, ValueError):
                key = b""
            if len(key) != _KEY_BYTES:
                raise ConfigurationInvalid(
                    f"{source}: key {number} is not the base64 of {_KEY_BYTES} bytes, as made by "
                    "`openssl rand -base64 32`."
                )
            keys[_id_of(key)] = key
        return cls(keys)

    @classmethod
    def generate(cls) -> Ring:
        key = secrets.token_bytes(_KEY_BYTES)
        return cls({_id_of(key): key})

    @property
    def first(self) -> str:
        return next(iter(self.keys))

    def __repr__(self) -> str:
        return f"Ring({', '.join(self.keys)})"


class KeyFile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Ring | None:
        """None where there is no such file. Raises `ConfigurationInvalid`."""
        try:
            text = self.path.read_text(encoding="ascii", errors="replace")
            others_may_read = self.path.stat().st_mode & 0o007
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigurationInvalid(
                f"The key of the secrets, {self.path}, cannot be read: {error.strerror}."
            ) from error
        if others_may_read:
            _log.warning("everybody on this machine may read %s: chmod 600 it", self.path)
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
        ring = Ring.parse(lines, str(self.path))
        if not ring.keys:
            raise ConfigurationInvalid(f"The key of the secrets, {self.path}, holds no key.")
        return ring

    def write(self, ring: Ring) -> None:
        """Replace the file whole and flushed."""
        lines = ["# Packyard's secrets are sealed with this. Keep a copy apart from the database."]
        lines += [b64encode(key).decode() for key in ring.keys.values()]
        try:
            descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{FILE}.")
            with os.fdopen(descriptor, "w", encoding="ascii") as out:
                out.write("\n".join(lines) + "\n")
                out.flush()
                os.fsync(out.fileno())
            Path(name).replace(self.path)
            folder = os.open(self.path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        except OSError as error:
            raise ConfigurationInvalid(
                f"The key of the secrets cannot be written to {self.path}: {error.strerror}."
            ) from error


def _id_of(key: bytes) -> str:
    return hashlib.sha256(b"packyard secrets " + key).hexdigest()[:16]
