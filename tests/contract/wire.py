"""Requests as the Terraform provider's Go client sends them, and what every answer has to be.

HTTP/1.1 over TLS on one connection, Go's spelling of headers, compressed answers taken. The rules
that hold for all answers (terraform-contract.md, 2) are checked here, once, for each of them: a
test only says the status and what is special.
"""

from __future__ import annotations

import gzip
import http.client
import json
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

GO_HEADERS = {
    "User-Agent": "Go-http-client/1.1",
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
}
UID = re.compile(r"[0-9a-f]{24}")
_DATE = re.compile(
    r"(|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?|"
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d))"
)
_OBJECTS = {"metadata", "spec"}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        """Of an error; empty where there is none."""
        return str(self.json["code"]) if self.status >= 400 else ""


@dataclass
class Wire:
    """Somebody with a key. A body that is no bytes goes as JSON, an iterator of bytes in chunks."""

    host: str
    tls: ssl.SSLContext
    key: str
    connection: http.client.HTTPSConnection = field(init=False)

    def __post_init__(self) -> None:
        name, _, port = self.host.rpartition(":")
        self.connection = http.client.HTTPSConnection(name, int(port), timeout=30, context=self.tls)

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        project: str = "",
    ) -> Answer:
        """The answer, which keeps to the rules of all answers."""
        sent = dict(GO_HEADERS)
        if self.key:
            sent["Apikey"] = self.key
        if project:
            sent["Projectuid"] = project
        content: bytes | Iterator[bytes] | None
        if body is None or isinstance(body, bytes | Iterator):
            content = body
        else:
            content = json.dumps(body).encode()
        if content is not None or method in {"PATCH", "DELETE"}:
            sent["Content-Type"] = "application/json"
        sent |= headers or {}
        self.connection.request(
            method, path, content, sent, encode_chunked=isinstance(content, Iterator)
        )
        got = self.connection.getresponse()
        data = got.read()
        received = {name.lower(): value for name, value in got.getheaders()}
        if received.get("content-encoding") == "gzip":
            data = gzip.decompress(data)
        assert got.version == 11
        answer = Answer(got.status, received, data)
        _check(answer, f"{method} {path}")
        return answer

    def uid(self, path: str, body: object, project: str = "") -> str:
        """Of what a POST made."""
        made = self("POST", path, body, project=project)
        assert made.status == 201, made.content
        assert UID.fullmatch(made.json["uid"]), made.content
        return str(made.json["uid"])

    def get(self, path: str, project: str = "") -> Any:
        """What a GET found."""
        found = self("GET", path, project=project)
        assert found.status == 200, found.content
        return found.json

    def done(self, method: str, path: str, body: object = None, project: str = "") -> None:
        """Change something, which has to be answered by 204."""
        answer = self(method, path, body, project=project)
        assert answer.status == 204, (answer.status, answer.content)

    def absent(self, method: str, path: str, body: object = None, project: str = "") -> None:
        """Ask for what there is not."""
        answer = self(method, path, body, project=project)
        assert (answer.status, answer.code) == (404, "ResourceNotFound"), (method, path, answer)


def _check(answer: Answer, request: str) -> None:
    if answer.status in {202, 204}:
        assert answer.content == b"", request
        return
    if "content-disposition" in answer.headers:
        return
    assert answer.headers["content-type"].split(";")[0] == "application/json", request
    found = answer.json
    if answer.status >= 400:
        assert {type(found[key]) for key in ("code", "message", "ref")} == {str}, request
        assert "details" in found, request
        assert "uid" not in found, request
    for problem in _problems(found, ""):
        raise AssertionError(f"{request}: {problem}")


def _problems(found: object, place: str) -> Iterator[str]:
    """What Go's client could not read, or would fall over."""
    if isinstance(found, list):
        for number, element in enumerate(found):
            if element is None:
                yield f"{place}[{number}] is null"
            yield from _problems(element, f"{place}[{number}]")
    if not isinstance(found, dict):
        return
    for key, value in found.items():
        where = f"{place}.{key}"
        if key in _OBJECTS and not isinstance(value, dict):
            yield f"{where} is {value!r}"
        if key == "labels":
            wrong = [label for label in (value or {}).values() if not isinstance(label, str)]
            if wrong:
                yield f"{where} holds {wrong!r}"
        is_date = key.endswith(("Timestamp", "Time")) and value is not None
        if is_date and not (isinstance(value, str) and _DATE.fullmatch(value)):
            yield f"{where} is no date that the client reads: {value!r}"
        yield from _problems(value, where)
