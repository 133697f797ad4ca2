"""Lists of names, in pages: the tags of a repository ("Listing Tags"), and the repositories."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp

from packyard.auth.principal import Principal
from packyard.errors import ParameterInvalid
from packyard.references import RepoName
from packyard.server.forwarded import origin
from packyard.server.oci.kept import Kept
from packyard.server.parts import Parts
from packyard.server.send import Header, as_json

_DIGITS = 9  # of a page's size


class Names:
    def __init__(self, parts: Parts) -> None:
        self._store = parts.store
        self._settings = parts.settings
        self._kept = Kept()

    async def tags(self, request: Request, repo: RepoName) -> ASGIApp:
        base = origin(request.scope, self._settings)
        key = repo, request.scope["query_string"], base
        generation = self._store.generation()
        answer = self._kept.get(generation, key)
        if answer is None:
            find = partial(self._store.tags, repo)
            found, links = await run_in_threadpool(_page, request, base, find)
            answer = as_json(200, {"name": repo, "tags": found}, links)
            self._kept.put(generation, key, answer)
        return answer

    async def repositories(self, request: Request) -> ASGIApp:
        base = origin(request.scope, self._settings)
        find = partial(self._reached, request.scope["user"])
        found, links = await run_in_threadpool(_page, request, base, find)
        return as_json(200, {"repositories": found}, links)

    def _reached(self, principal: Principal, n: int | None, last: str) -> Sequence[str]:
        if not principal.limits.repositories:
            return self._store.repositories(n, last)
        found = self._store.repositories(None, last)
        return [name for name in found if principal.reaches(name)][:n]


def _page(
    request: Request, base: str, find: Callable[[int | None, str], Sequence[str]]
) -> tuple[Sequence[str], list[Header]]:
    """The names asked for by `n` and `last`, and a link where there are more."""
    n, last = _size(request), request.query_params.get("last", "")
    found = find(None if n is None else n + 1, last)
    if not n or len(found) <= n:
        return found[:n], []
    query = urlencode({"n": n, "last": found[n - 1]})
    link = f'<{base}{request.scope["path"]}?{query}>; rel="next"'
    return found[:n], [(b"link", link.encode())]


def _size(request: Request) -> int | None:
    """How many names a page has at most; None for all."""
    text = request.query_params.get("n", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise ParameterInvalid(f"n={text[:40]} is not a number of names: 0 or more, in digits.")
    return int(text)
