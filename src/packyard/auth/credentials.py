"""What a request proves itself by, in whichever header it stands.

Basic <base64 of name:password>     RFC 7617; an API key may be the password, of any name
Bearer <token or API key>           RFC 6750
<token>                             as the published API has it, without a word before it
ApiKey <key>                        what stands in a header ApiKey, put into this form
Cookie <session>                    what stands in the session's cookie, put into this form
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from packyard.auth import keys, tokens
from packyard.errors import Unauthenticated

_LIMIT = 4096  # bytes; longer ones are not looked at


@dataclass(frozen=True, slots=True)
class Password:
    name: str
    password: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ApiKey:
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Cookie:
    text: str = field(repr=False)


Credential = Password | ApiKey | Token | Cookie


def parse(header: bytes) -> Credential:
    """Raises `Unauthenticated` for anything else than the forms above."""
    if len(header) > _LIMIT:
        raise refused()
    try:
        word, _, rest = header.decode("ascii").strip().partition(" ")
    except UnicodeDecodeError:
        raise refused() from None
    rest = rest.strip()
    match word.lower():
        case "basic":
            return _basic(rest)
        case "apikey":
            return ApiKey(rest)
        case "bearer" if keys.is_key(rest):
            return ApiKey(rest)
        case "bearer" if tokens.is_token(rest):
            return Token(rest)
        case "cookie":
            return Cookie(rest)
    if rest or not tokens.is_token(word):
        raise refused()
    return Token(word)


def is_slow(header: bytes) -> bool:
    """Whether to verify it takes the time of a password, if it is good for anything at all."""
    try:
        return isinstance(parse(header), Password)
    except Unauthenticated:
        return False


def refused() -> Unauthenticated:
    return Unauthenticated("Sign in with the name and password of a user, or with an API key.")


def _basic(encoded: str) -> Password | ApiKey:
    try:
        name, colon, password = base64.b64decode(encoded, validate=True).partition(b":")
        if not colon:
            raise refused()
        text = password.decode(errors="replace")
        return ApiKey(text) if keys.is_key(text) else Password(name.decode(), password)
    except (binascii.Error, UnicodeDecodeError):
        raise refused() from None
