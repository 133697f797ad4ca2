"""`/openapi.json` describes our own API; `/docs` is its reference as one page, made from that.

To make the document takes a second of a processor, so it is made in a thread, when first asked for.
Plain HTML and one style sheet: it works behind an air gap and under the strictest content policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --mark: #2563eb; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 56rem; margin: 3rem auto; }
body { padding: 0 1rem; }
code { font: .9em ui-monospace, monospace; }
section { border: 1px solid var(--line); border-radius: .5rem; margin: 1rem 0; padding: 0 1rem; }
h2 { margin: 2.5rem 0 .5rem; }
h3 { margin: .8rem 0; font-weight: 500; overflow-wrap: anywhere; }
h3 b { color: var(--mark); display: inline-block; min-width: 4.2rem; font-size: .85em; }
table { border-collapse: collapse; width: 100%; margin: 0 0 1rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; }
tr + tr { border-top: 1px solid var(--soft); }
th { font-weight: 500; width: 14rem; }
"""
POLICY = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'"


def add_reference(app: FastAPI) -> None:
    """Serve the document, `/docs` and its style sheet."""

    def document() -> JSONResponse:
        return JSONResponse(app.openapi())

    def page() -> HTMLResponse:
        return HTMLResponse(render(app.openapi()), headers={"Content-Security-Policy": POLICY})

    def style() -> PlainTextResponse:
        return PlainTextResponse(STYLE, media_type="text/css")

    app.get("/openapi.json", include_in_schema=False)(document)
    app.get("/docs", include_in_schema=False)(page)
    app.get("/docs/style.css", include_in_schema=False)(style)


def render(document: Mapping[str, Any]) -> str:
    """The page for an OpenAPI 3.1 document."""
    title = f"{document['info']['title']} {document['info']['version']}"
    return "".join(
        (
            '<!doctype html><html lang="en"><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{escape(title)}: API</title>",
            '<link rel="stylesheet" href="/docs/style.css">',
            f"<h1>{escape(title)}</h1>",
            "<p>The API of packs, and of the hub that gathers registries and composes cluster ",
            "profiles. For programs: <a href='/openapi.json'>OpenAPI</a>. Images, charts and ",
            "packs are also served over OCI Distribution at <code>/v2/</code>.</p>",
            *_operations(document),
            "</html>",
        )
    )


def _operations(document: Mapping[str, Any]) -> Iterator[str]:
    tag = ""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if operation["tags"][0] != tag:
                tag = operation["tags"][0]
                yield f"<h2>{escape(tag.capitalize())}</h2>"
            yield f"<section><h3><b>{method.upper()}</b> <code>{escape(path)}</code></h3>"
            yield f"<p>{escape(operation.get('description', ''))}</p>"
            yield from _table(operation)
            yield "</section>"


def _table(operation: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        (
            f"<code>{escape(parameter['name'])}</code>",
            escape(parameter.get("description") or parameter["schema"].get("type", "")),
        )
        for parameter in operation.get("parameters", ())
    ]
    codes = ", ".join(sorted(operation["responses"]))
    rows.append(("Answers", escape(codes)))
    cells = (f"<tr><th>{name}</th><td>{text}</td></tr>" for name, text in rows)
    yield f"<table>{''.join(cells)}</table>"
