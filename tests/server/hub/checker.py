"""Holds every answer of the hub against what is said of it: the published API, where its file is
there (PACKYARD_API, or beside the repository), and our own OpenAPI document.

Both must name the operation and its status, and describe the body. In the published API a member
that is null is as one that is absent, but never an item of a list, nor `items`, `metadata`, `spec`,
`status` and `uid`; every refusal has one form (terraform-contract.md, 2).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import httpx
import jsonschema

from tests.conftest import ROOT

FILE = ROOT.parent / "shared" / "spec" / "palette-api.json"
_METHODS = {"get", "put", "post", "delete", "patch"}
_NEVER_NULL = {"items", "listmeta", "metadata", "spec", "status", "uid"}
_ANYWHERE = {405, 408, 502, 503, 507}  # refusals that are said of no single operation
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)|")
_FORMATS = jsonschema.FormatChecker(formats=())


@_FORMATS.checks("date-time")
def _is_time(text: object) -> bool:
    return not isinstance(text, str) or _TIME.fullmatch(text) is not None


Operation = tuple[str, str]
"""A method, and a path with `{}` for each parameter."""


@cache
def published() -> dict[str, Any] | None:
    """The document of the published API, None where it is not there."""
    path = os.environ.get("PACKYARD_API", str(FILE))
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            document: dict[str, Any] = json.load(file)
    except FileNotFoundError:
        return None
    return document


class _Found(NamedTuple):
    """An operation; the more `words` of its own a path has, the nearer it is to a request."""

    words: int
    template: str
    operation: dict[str, Any]


def operations(document: Mapping[str, Any]) -> dict[Operation, dict[str, Any]]:
    return {
        (method.upper(), re.sub(r"{\w+}", "{}", path)): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in _METHODS
    }


def success(operation: Mapping[str, Any]) -> int:
    """The one status by which an operation says that it was done."""
    (status,) = (int(code) for code in operation["responses"] if code.isdigit() and int(code) < 400)
    return status


def check(server: str, answer: httpx.Response, http: httpx.Client) -> None:
    """Raise `AssertionError` with all that is wrong with an answer of the server at that URL.

    The registry protocols (`/v2`, `/helm`) have documents of their own.
    """
    if not answer.request.url.path.startswith("/v1/"):
        return
    mine, theirs = _find(ours(server, http), answer), _find(published() or {}, answer)
    faults = [*_common(answer), *_against_ours(ours(server, http), mine, answer)]
    if theirs and (mine is None or mine.words <= theirs.words):  # else it is a path of our own
        faults += _against_published(published() or {}, theirs, answer)
    told = f"{answer.request.method} {answer.request.url} {answer.status_code}: {answer.text[:800]}"
    assert not faults, "\n".join([told, *faults])


_kept: list[dict[str, Any]] = []


def ours(server: str, http: httpx.Client) -> dict[str, Any]:
    """Asked for once: it takes a second to make, and all servers have the same."""
    if not _kept:
        _kept.append(http.get(f"{server}/openapi.json").json())
    return _kept[0]


def _common(answer: httpx.Response) -> Iterator[str]:
    if answer.status_code == 500:
        yield "the server failed"
    if answer.status_code in (202, 204) and answer.content:
        yield "a body where none belongs"
    if answer.status_code < 400:
        return
    if answer.headers["content-type"] != "application/json":
        yield f"a refusal as {answer.headers['content-type']}"
    refusal = answer.json()
    if refusal.keys() != {"code", "message", "details", "ref"}:
        yield "a refusal of another form"
    if not all(isinstance(refusal[name], str) and refusal[name] for name in ("code", "message")):
        yield "a refusal without code or message"
    if (answer.status_code == 404) != (refusal["code"] == "ResourceNotFound"):
        yield "404 and ResourceNotFound do not come together"


def _against_ours(
    document: Mapping[str, Any], found: _Found | None, answer: httpx.Response
) -> Iterator[str]:
    if found is None:
        if answer.status_code not in (404, 405):
            yield "our OpenAPI does not have this operation"
        return
    said = found.operation["responses"].get(str(answer.status_code))
    if said is None:
        if answer.status_code not in _ANYWHERE:
            yield "our OpenAPI does not say this status"
        return
    schema = said.get("content", {}).get("application/json", {}).get("schema")
    if schema and not answer.request.url.params.get("fields"):  # which leave members out
        whole = {**schema, "components": document["components"]}
        validator = jsonschema.Draft202012Validator(whole, format_checker=_FORMATS)
        yield from _faults("our OpenAPI", validator, answer.json())


def _against_published(
    document: Mapping[str, Any], found: _Found, answer: httpx.Response
) -> Iterator[str]:
    if answer.status_code >= 400:
        return
    said = found.operation["responses"].get(str(answer.status_code))
    if said is None:
        yield f"the published API has only {', '.join(found.operation['responses'])}"
    elif "schema" in said and said["schema"].get("format") != "binary":
        whole = {**said["schema"], "definitions": document["definitions"]}
        validator = jsonschema.Draft4Validator(whole, format_checker=_FORMATS)
        yield from _faults("the published API", validator, _without_nulls(answer.json()))


def _find(document: Mapping[str, Any], answer: httpx.Response) -> _Found | None:
    """The operation with the fewest parameters that the request can be."""
    path = answer.request.url.raw_path.decode().partition("?")[0]
    path = path.rstrip("/") if path not in ("/", "/v1/") else path
    method = "GET" if answer.request.method == "HEAD" else answer.request.method
    fitting = [
        _Found(-template.count("{}"), template, operation)
        for (asked, template), operation in _indexed(id(document), document)
        if asked == method and _pattern(template).fullmatch(path)
    ]
    return max(fitting, key=lambda found: found[:2]) if fitting else None


_index: dict[int, list[tuple[Operation, dict[str, Any]]]] = {}


def _indexed(key: int, document: Mapping[str, Any]) -> list[tuple[Operation, dict[str, Any]]]:
    """What `operations` gives; the documents live as long as the tests."""
    if not document:
        return []
    if key not in _index:
        _index[key] = list(operations(document).items())
    return _index[key]


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """An empty parameter at the end leaves its slash away, too."""
    words = re.escape(template).replace(r"\{\}", "[^/]+")
    return re.compile(f"{words.removesuffix('/[^/]+')}(/[^/]+)?" if words.endswith("+") else words)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _without_nulls(member)
            for name, member in value.items()
            if member is not None or name in _NEVER_NULL
        }
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _faults(source: str, validator: Any, body: Any) -> Iterator[str]:
    for error in validator.iter_errors(body):
        yield f"not as {source} has it, at {error.json_path}: {error.message[:300]}"
