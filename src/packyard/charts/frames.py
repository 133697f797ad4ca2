"""What travels between a process and its workers: a JSON object, and bytes beside it.

A frame is its length (8 bytes, big-endian), the length of the head (4 bytes), the head, and one
after another the parts whose sizes the head lists under `parts`. Neither side runs what the other
sends: a frame is data.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

LENGTH = struct.Struct(">Q")
_HEAD = struct.Struct(">I")


def pack(head: Mapping[str, object], parts: Sequence[bytes] = ()) -> bytes:
    """A whole frame; raises `ValueError` where the head has no form in JSON."""
    sized = {**head, "parts": [len(part) for part in parts]}
    text = json.dumps(sized, allow_nan=False).encode()
    size = _HEAD.size + len(text) + sum(map(len, parts))
    return b"".join((LENGTH.pack(size), _HEAD.pack(len(text)), text, *parts))


def unpack(frame: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Head and parts of a frame without its length; raises `ValueError` where it is none."""
    if len(frame) < _HEAD.size:
        raise ValueError("the frame is shorter than its head's length")
    (size,) = _HEAD.unpack_from(frame)
    at = _HEAD.size + size
    head = json.loads(frame[_HEAD.size : at])
    parts = []
    for length in head.pop("parts"):
        parts.append(frame[at : at + length])
        at += length
    if at != len(frame):
        raise ValueError("the frame has another length than its parts")
    return head, parts
