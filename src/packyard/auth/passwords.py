"""Passwords as bcrypt hashes, the only form that is kept (registry-server.md, "Users").

bcrypt reads 72 bytes and no more. A longer password is therefore refused where one is set; where
one is verified, its first 72 bytes count, as in every program that makes htpasswd files.
"""

from __future__ import annotations

import re
import secrets
import string

import bcrypt

from packyard.errors import ParameterInvalid

COST = 12
LIMIT = 72  # bytes
_GENERATED = 20  # characters, 119 bits
_FORM = re.compile(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")
_ANY_SALT = "." * 22


def generate() -> str:
    alphabet = string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(_GENERATED))


def hash_password(password: str) -> str:
    """Raises `ParameterInvalid` for one that is empty, over 72 bytes, or holds a zero byte."""
    encoded = password.encode()
    if not encoded or len(encoded) > LIMIT or b"\0" in encoded:
        raise ParameterInvalid(
            f"A password has 1 to {LIMIT} bytes and no zero byte; this has {len(encoded)} bytes."
        )
    return bcrypt.hashpw(encoded, bcrypt.gensalt(COST)).decode()


def is_hash(text: str) -> bool:
    return _FORM.fullmatch(text) is not None


def cost_of(password_hash: str) -> int:
    return int(password_hash[4:6])


def opens(password: bytes, password_hash: str) -> bool:
    """Whether the password is the one that was hashed; takes its time, by design."""
    if b"\0" in password:
        return False
    return bcrypt.checkpw(password[:LIMIT], password_hash.encode())


def pretend(cost: int) -> None:
    """Work as long as `opens` does on a hash of that cost, for a name that nobody has."""
    bcrypt.hashpw(b"nobody", f"$2b${cost:02d}${_ANY_SALT}".encode())
