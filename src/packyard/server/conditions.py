"""Entity tags and conditions of requests (RFC 9110, 13): the tag of content is its digest."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import ASGIApp, Scope

from packyard.digests import Digest, parse_digest
from packyard.errors import ParameterInvalid
from packyard.server.parts import header
from packyard.server.send import Answer, Header, blob_answer
from packyard.storage.content import Blob
from packyard.storage.store import Store


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


def conditional(scope: Scope, store: Store, blob: Blob, headers: Sequence[Header]) -> ASGIApp:
    """The blob, the range of it that is asked for, or 304 where the client has it.

    `headers` begin with the type of the content, which a 304 does not have.
    """
    tag = etag(blob.digest)
    headers = *headers, (b"etag", tag)
    if matches(header(scope, b"if-none-match"), tag):
        return Answer(304, headers[1:])
    range_ = None if scope["method"] == "HEAD" else header(scope, b"range")
    if range_ and header(scope, b"if-range") not in (None, tag):
        range_ = None
    return blob_answer(store, blob, headers, range_)
