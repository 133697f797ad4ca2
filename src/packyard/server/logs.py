"""Log lines on standard error, as text (`key=value`) or JSON, one line each and never a secret.

Everything goes through the standard `logging`, Granian's own lines too. A line written while a
request is handled carries its id (`REQUEST_ID`). `redact` is the last step of every line: it masks
credentials of URLs, `Authorization` values, and tokens in queries and paths, whoever wrote them.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache

from packyard.config.model import Log

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")

_access = logging.getLogger("packyard.access")

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
_NAMES = {logging.WARNING: "warn", logging.CRITICAL: "error"}
_QUIET = ("_granian", "httpx", "alembic", "asyncio")  # their info is our debug
_SILENT = ("boto3", "botocore", "urllib3", "httpcore", "s3transfer")  # they tell secrets at debug
_MASK = "***"
_SECRETS = re.compile(
    r"""(?ix)
    (://) [^/\s@"']+ (?=@)                                    # user:password@ of a URL
    | ((?<![/\w]) (?: basic | bearer ) \s+) (?! authentication \b) [A-Za-z0-9+/=._~-]{3,}
                                                             # Authorization values
    | (\b apikey [:=\s] \s*) [^&\s"']+
    | ([?&] [\w.-]* (?: token | passw(?:or)?d | secret | signature | api_?key | code | state ) =)
      [^&\s"'\#]*                                            # of a query
    | (/auth/refresh/) [^/?\s"']+
    | (\b pyk_) [\w-]{8,}                                     # API keys, wherever they stand
    | (\b eyJ) [\w-]+ \. [\w-]+ \. [\w-]*                    # tokens
    """
)
# Without any of these, in lower case, there is nothing to mask.
_SIGNS = re.compile(r"://|[?&]|basic|bearer|apikey|/auth/|pyk_|eyj")


def configure(log: Log) -> None:
    """Send all lines of this process, and of those forked from it, to standard error."""
    # What no line shows need not be found out for every record.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    form = Text if log.formatter == "text" else Json
    handler.setFormatter(form(log.fields))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[log.level])
    for name in _QUIET:
        logging.getLogger(name).setLevel(
            logging.DEBUG if log.level == "debug" else max(_LEVELS[log.level], logging.WARNING)
        )
    for name in _SILENT:
        logging.getLogger(name).setLevel(max(_LEVELS[log.level], logging.WARNING))
    _access.disabled = log.accesslog.disabled


def redact(text: str) -> str:
    """`text` without what must not be seen."""
    return _SECRETS.sub(_masked, text) if _SIGNS.search(text.lower()) else text


def answered(
    *,
    method: str,
    path: str,
    status: int,
    seconds: float,
    sent: int,
    received: int,
    principal: str,
    remote: str,
    agent: str = "",
) -> None:
    """The access log's line of one request; `path` with its query, as it came."""
    if not _access.isEnabledFor(logging.INFO):
        return
    # Made here, because `Logger.info` would look for the caller's file and line every time.
    record = logging.LogRecord(
        _access.name, logging.INFO, "", 0, f"{method} {path} {status}", None, None
    )
    record.fields = {
        "method": method,
        "path": path,
        "status": status,
        "duration_ms": round(seconds * 1000, 3),
        "sent": sent,
        "received": received,
        "user": principal,
        "remote": remote,
        "agent": agent,
    }
    _access.handle(record)


class _Form(logging.Formatter):
    """A record as one line: what it says of itself, then `fields` of the configuration."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__()
        self._fields = dict(fields)

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": f"{_second(int(record.created))}.{int(record.msecs):03d}Z",
            "level": _NAMES.get(record.levelno) or record.levelname.lower(),
            "msg": record.getMessage(),
        }
        request = REQUEST_ID.get()
        if request:
            line["request"] = request
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return redact(self.written(line | self._fields))

    def written(self, line: Mapping[str, object]) -> str:
        raise NotImplementedError


class Json(_Form):
    def written(self, line: Mapping[str, object]) -> str:
        return json.dumps(line, default=str)


class Text(_Form):
    """`key=value`, with values in quotes where they hold more than one plain word."""

    _plain = re.compile(r"[^\s\"=\x00-\x1f\x7f-\x9f]+")

    def written(self, line: Mapping[str, object]) -> str:
        return " ".join(f"{key}={self._value(value)}" for key, value in line.items())

    def _value(self, value: object) -> str:
        text = str(value)
        return text if self._plain.fullmatch(text) else json.dumps(text)


@lru_cache(maxsize=2)
def _second(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _masked(match: re.Match[str]) -> str:
    return match[match.lastindex or 0] + _MASK
