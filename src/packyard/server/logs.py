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
_MASK = "***"
_SECRETS = re.compile(
    r"""(?ix)
    (://) [^/\s@"']+ (?=@)                                    # user:password@ of a URL
    | (\b (?: basic | bearer ) \s+) [A-Za-z0-9+/=._~-]{3,}    # Authorization values
    | (\b apikey [:=\s] \s*) [^&\s"']+
    | ([?&] [\w.-]* (?: token | passw(?:or)?d | secret | signature | api_?key | code ) =)
      [^&\s"'\#]*                                            # of a query
    | (/auth/refresh/) [^/?\s"']+
    """
)
_SIGNS = ("://", "=", "basic ", "bearer ", "apikey", "/auth/")  # without any, nothing to mask


def configure(log: Log) -> None:
    """Send all lines of this process, and of those forked from it, to standard error."""
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
    _access.disabled = log.accesslog.disabled


def redact(text: str) -> str:
    """`text` without what must not be seen."""
    lower = text.lower()
    if any(sign in lower for sign in _SIGNS):
        return _SECRETS.sub(_masked, text)
    return text


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
    _access.info(
        "%s %s %d",
        method,
        path,
        status,
        extra={
            "fields": {
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
        },
    )


class _Form(logging.Formatter):
    """The fields of a record in their order; `fields` of the configuration come last."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__()
        self._fields = dict(fields)

    def fields_of(self, record: logging.LogRecord) -> dict[str, object]:
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": _NAMES.get(record.levelno, record.levelname.lower()),
            "msg": record.getMessage(),
        }
        request = REQUEST_ID.get()
        if request:
            line["request"] = request
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return {**line, **self._fields}


class Json(_Form):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(
            {
                key: redact(value) if isinstance(value, str) else value
                for key, value in self.fields_of(record).items()
            },
            default=str,
        )


class Text(_Form):
    """`key=value`, with values in quotes where they hold more than one plain word."""

    _plain = re.compile(r"[^\s\"=\x00-\x1f\x7f-\x9f]+")

    def format(self, record: logging.LogRecord) -> str:
        return " ".join(
            f"{key}={self._value(value)}" for key, value in self.fields_of(record).items()
        )

    def _value(self, value: object) -> str:
        text = redact(str(value))
        return text if self._plain.fullmatch(text) else json.dumps(text)


def _masked(match: re.Match[str]) -> str:
    return match[match.lastindex or 0] + _MASK
