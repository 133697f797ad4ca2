"""Entity tags and conditions of requests (RFC 9110, 13): the tag of content is its digest."""

from __future__ import annotations

from packyard.digests import Digest, parse_digest
from packyard.errors import ParameterInvalid


def etag(digest: Digest) -> bytes:
    return b'"%s"' % digest.encode()


def matches(condition: bytes | None, tag: bytes) -> bool:
    """Whether an `If-None-Match` names the tag; as weak comparison has it."""
    if condition is None:
        return False
    given = {word.strip().removeprefix(b"W/") for word in condition.split(b",")}
    return tag in given or tag.strip(b'"') in given or b"*" in given


def expected(condition: bytes | None) -> Digest | None:
    """The digest that an `If-Match` of a push names; raises `ParameterInvalid`, `DigestInvalid`."""
    if condition is None:
        return None
    text = condition.decode("latin-1").strip()
    if "," in text or text == "*":
        raise ParameterInvalid("If-Match takes the digest of one manifest, as its ETag gives it.")
    return parse_digest(text.removeprefix("W/").strip('"'))


def is_new(condition: bytes | None) -> bool:
    """Whether an `If-None-Match` of a push is `*`; raises `ParameterInvalid` for any other."""
    if condition is not None and condition.strip() != b"*":
        raise ParameterInvalid("If-None-Match of a push takes * alone: no such tag may exist yet.")
    return condition is not None
