"""Keyrings of public OpenPGP keys: Helm reads the binary form only (RFC 9580, section 6)."""

from __future__ import annotations

import base64
import binascii
import re

_BLOCK = re.compile(
    rb"-----BEGIN (?P<kind>PGP PUBLIC KEY BLOCK)-----[ \t]*\r?\n"
    rb"(?P<body>.*?)-----END (?P=kind)-----",
    re.DOTALL,
)
_HEADERS = re.compile(rb"(?:[A-Za-z-]+:[^\n]*\n)*[ \t]*\r?\n")
_CHECKSUM = re.compile(rb"\n=[A-Za-z0-9+/]{4}\s*\Z")


def binary(keyring: bytes) -> bytes:
    """The keys without ASCII armour, of several blocks all; what is none stays as it is."""
    blocks = list(_BLOCK.finditer(keyring))
    if not blocks:
        return keyring
    try:
        return b"".join(_decoded(block["body"]) for block in blocks)
    except binascii.Error:
        return b""


def _decoded(body: bytes) -> bytes:
    text = _CHECKSUM.sub(b"", _HEADERS.sub(b"", body, count=1))
    return base64.b64decode(b"".join(text.split()), validate=True)
