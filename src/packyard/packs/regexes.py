"""Regular expressions that people write, run by RE2: no pattern takes more than linear time."""

from __future__ import annotations

from functools import lru_cache

import re2

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


class RegexRefused(ValueError):
    """Why RE2 refuses a pattern, without a full stop."""


@lru_cache(maxsize=512)
def compiled(pattern: str) -> re2._Regexp:
    """Raise `RegexRefused` where `pattern` is none."""
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        reason = error.args[0]
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise RegexRefused(text) from None


def is_found(pattern: str, text: str) -> bool:
    """Whether `pattern` matches anywhere in `text`; `RegexRefused` where it is none."""
    return compiled(pattern).search(text) is not None
