"""Routes as data: method, path, the right that it takes, and who handles it.

A path's `{name}` stands for one segment, `{repo}` for as many as lead to a match; each is decoded
and parsed by its row in `_PARSERS` after the caller was admitted. A slash at the end makes no
difference, and is never redirected. HEAD is GET without a body.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

from starlette.requests import Request
from starlette.types import ASGIApp

from packyard.auth.principal import Action
from packyard.digests import parse_digest
from packyard.errors import MethodNotAllowed, PathUnknown
from packyard.references import parse_reference, parse_repo

Handler = Callable[..., Awaitable[ASGIApp]]

_REMEMBERED = 4096  # texts of each kind

_PARSERS: dict[str, Callable[[str], Any]] = {
    "repo": lru_cache(_REMEMBERED)(parse_repo),
    "reference": lru_cache(_REMEMBERED)(parse_reference),
    "digest": lru_cache(_REMEMBERED)(parse_digest),
}


@dataclass(frozen=True, slots=True)
class Route:
    """`handler(request, *parsed)` gives the answer, an ASGI application."""

    method: str
    path: str
    action: Action
    handler: Handler


class Target(NamedTuple):
    """What a request leads to: the route, and the texts that stand for its names."""

    route: Route
    texts: tuple[str, ...]
    parsers: tuple[Callable[[str], Any], ...]

    @property
    def repository(self) -> str:
        """The text that stands for `{repo}`, "" where the path has none."""
        return self.texts[0] if "{repo}" in self.route.path else ""

    async def answer(self, request: Request) -> ASGIApp:
        parsed = [parse(text) for parse, text in zip(self.parsers, self.texts, strict=True)]
        return await self.route.handler(request, *parsed)


@dataclass(frozen=True, slots=True)
class _Path:
    methods: dict[str, Route]
    parsers: tuple[Callable[[str], Any], ...]


class Routes:
    """A table of routes, matched by one regular expression; earlier paths go first."""

    def __init__(self, routes: Iterable[Route]) -> None:
        paths: dict[str, dict[str, Route]] = {}
        for route in routes:
            methods = paths.setdefault(route.path, {})
            methods[route.method] = route
            if route.method == "GET":
                methods["HEAD"] = route
        groups = [f"(?P<p{number}>{_pattern(path)}/?)" for number, path in enumerate(paths)]
        self._match = re.compile("|".join(groups)).fullmatch
        self._paths = {
            f"p{number}": _Path(methods, tuple(_PARSERS.get(name, str) for name in _names(path)))
            for number, (path, methods) in enumerate(paths.items())
        }

    def find(self, method: str, path: str) -> Target:
        """`path` as it came, not decoded. Raises `PathUnknown` or `MethodNotAllowed`."""
        match = self._match(path)
        if match is None or match.lastgroup is None or match.lastindex is None:
            raise PathUnknown(f"There is nothing at {path[:300]}.")
        found = self._paths[match.lastgroup]
        route = found.methods.get(method)
        if route is None:
            allow = ", ".join(found.methods)
            raise MethodNotAllowed(f"This address takes {allow}, not {method}.", allow=allow)
        texts = match.groups()[match.lastindex : match.lastindex + len(found.parsers)]
        if "%" in path:
            texts = tuple(map(unquote, texts))
        return Target(route, texts, found.parsers)


def _names(path: str) -> list[str]:
    return re.findall(r"{(\w+)}", path)


def _pattern(path: str) -> str:
    return re.sub(r"{(\w+)}", lambda name: "(.+)" if name[1] == "repo" else "([^/]+)", path)
