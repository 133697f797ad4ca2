"""Passwords as bcrypt hashes, the only form that is kept (registry-server.md, "Users").

Passwords that are set here have at least `LEAST` characters of whatever kind; more is not asked of
them, as NIST SP 800-63B advises. bcrypt reads 72 bytes and no more. A longer password is therefore
refused where one is set; where one is verified, its first 72 bytes count, as in every program that
makes htpasswd files. It works in one thread of low priority in each process, so that people who
sign in do not slow others down.
"""

from __future__ import annotations

import os
import re
import secrets
import string
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import bcrypt

from packyard.errors import ParameterInvalid

COST = 12
LEAST = 8  # characters
LIMIT = 72  # bytes
_NICENESS = 10
_GENERATED = 20  # characters, 119 bits
_FORM = re.compile(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")
_ANY_SALT = "." * 22


def generate() -> str:
    alphabet = string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(_GENERATED))


def hash_password(password: str, *, least: int = LEAST) -> str:
    """Raises `ParameterInvalid` for one that is shorter, over 72 bytes, or holds a zero byte."""
    try:
        encoded = password.encode()
    except UnicodeEncodeError:
        raise ParameterInvalid("A password is text in UTF-8; this is not.") from None
    if len(password) < least:
        raise ParameterInvalid(
            f"A password has at least {least} characters; this has {len(password)}."
        )
    if len(encoded) > LIMIT:
        raise ParameterInvalid(
            f"A password has at most {LIMIT} bytes, of which letters beyond ASCII take several; "
            f"this has {len(encoded)}."
        )
    if "\0" in password:
        raise ParameterInvalid("A password holds no zero byte; this does.")
    return (
        _worker(os.getpid()).submit(bcrypt.hashpw, encoded, bcrypt.gensalt(COST)).result().decode()
    )


def is_hash(text: str) -> bool:
    return _FORM.fullmatch(text) is not None


def cost_of(password_hash: str) -> int:
    return int(password_hash[4:6])


def opens(password: bytes, password_hash: str) -> bool:
    """Whether the password is the one that was hashed; takes its time, by design."""
    if b"\0" in password:
        return False
    cut, hashed = password[:LIMIT], password_hash.encode()
    return _worker(os.getpid()).submit(bcrypt.checkpw, cut, hashed).result()


def pretend(cost: int) -> None:
    """Work as long as `opens` does on a hash of that cost, for a name that nobody has."""
    salt = f"$2b${cost:02d}${_ANY_SALT}".encode()
    _worker(os.getpid()).submit(bcrypt.hashpw, b"nobody", salt).result()


@cache
def _worker(_process: int) -> ThreadPoolExecutor:
    """The thread that bcrypt works in; another one after a fork."""
    return ThreadPoolExecutor(1, "bcrypt", initializer=_step_back)


def _step_back() -> None:
    """Linux has priorities of threads; elsewhere that of the process would change."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
