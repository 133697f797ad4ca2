"""Users from an htpasswd file, read again when it changes (registry-server.md, "Users").

Only bcrypt is taken (`htpasswd -B`). Lines that cannot be used are warned about by number and
nobody signs in by them. While the file cannot be read, nobody of it signs in: to take it away is a
way to lock its users out.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from packyard.auth import passwords

_log = logging.getLogger(__name__)
_RECHECK = 1.0  # seconds between two looks at the file

_OTHER_HASHES = {
    "$apr1$": "MD5",
    "$1$": "MD5",
    "{SHA}": "SHA-1",
    "$5$": "SHA-256",
    "$6$": "SHA-512",
    "$2": "a damaged bcrypt hash",
}

Stamp = tuple[int, int, int]


class Htpasswd:
    """`users()` maps names to bcrypt hashes as the file has them now, give or take a second."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: Stamp | None = None
        self._readable = True
        self._users: Mapping[str, str] = MappingProxyType({})
        self._next_look = 0.0

    def users(self) -> Mapping[str, str]:
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + _RECHECK
            self._look()
        return self._users

    def _look(self) -> None:
        try:
            if self._stamp_of(self.path.stat()) == self._stamp:
                return
            with self.path.open("rb") as file:
                # Of the open file and before reading it: what changes later has another stamp.
                self._stamp = self._stamp_of(os.fstat(file.fileno()))
                text = file.read().decode(errors="replace")
        except OSError as error:
            self._stamp, self._users = None, MappingProxyType({})
            if self._readable:
                _log.error(
                    "%s cannot be read, so none of its users can sign in: %s",
                    self.path,
                    error.strerror,
                )
            self._readable = False
            return
        self._readable = True
        users, warnings = parse(text)
        self._users = MappingProxyType(users)
        for warning in warnings:
            _log.warning("%s, %s", self.path, warning)

    @staticmethod
    def _stamp_of(status: os.stat_result) -> Stamp:
        return status.st_mtime_ns, status.st_size, status.st_ino


def parse(text: str) -> tuple[dict[str, str], list[str]]:
    """Names with their bcrypt hashes, and a warning for each line that cannot be used.

    The later of two lines for one name counts. No warning repeats a hash.
    """
    users: dict[str, str] = {}
    warnings: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        name, colon, password_hash = entry.partition(":")
        if not colon or not name:
            warnings.append(f"line {number}: not of the form name:hash, so it is left out")
        elif not passwords.is_hash(password_hash):
            warnings.append(f"line {number}: {_refusal(name, password_hash)}")
        else:
            if name in users:
                warnings.append(f"line {number}: {name} stands there twice, this line counts")
            users[name] = password_hash
    return users, warnings


def _refusal(name: str, password_hash: str) -> str:
    kinds = (kind for prefix, kind in _OTHER_HASHES.items() if password_hash.startswith(prefix))
    kind = next(kinds, "no hash, or of an unknown kind")
    return (
        f"the password of {name} is not hashed by bcrypt ({kind}), so {name} cannot sign in; "
        f"set it again with `htpasswd -B FILE {name}`"
    )
