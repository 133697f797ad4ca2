"""Helm repositories: what their index says, and the archives it names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

from packyard.errors import ChartUnknown, RemoteFailed, TooLarge
from packyard.remotes.challenge import Credentials
from packyard.remotes.helm import HelmRepository
from tests.remotes.scripted import Reply, Request, answering, talking

ARCHIVE = b"the archive of a chart"
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()


def row(version: Any, **more: Any) -> dict[str, Any]:
    return {"name": "web", "version": version, "urls": [f"web-{version}.tgz"], **more}


def index(*rows: Any) -> bytes:
    return json.dumps({"apiVersion": "v1", "entries": {"web": list(rows)}}).encode()


def serve(files: Mapping[str, bytes]) -> Any:
    def script(request: Request) -> Reply:
        body = files.get(request.path)
        return Reply(404) if body is None else Reply(body=body)

    return script


@pytest.mark.parametrize("path", ["", "/", "charts", "/a/b/"], ids=repr)
def test_the_index_is_read_below_the_path(path: str) -> None:
    base = "/" + f"{path.strip('/')}/".lstrip("/")
    files = {f"{base}index.yaml": index(row("1.0.0")), f"{base}web-1.0.0.tgz": ARCHIVE}
    with talking(serve(files)) as (_, client):
        repository = HelmRepository(client, path)
        (chart,) = repository.versions("web")
        assert repository.pull(chart) == ARCHIVE


def test_an_index_may_be_yaml() -> None:
    text = b"apiVersion: v1\nentries:\n  web:\n  - version: '1.0'\n    urls: [a.tgz]\n"
    with talking(serve({"/index.yaml": text})) as (_, client):
        (chart,) = HelmRepository(client, "").versions("web")
        assert (chart.version, chart.url) == ("1.0", "a.tgz")


def test_the_newest_version_is_chosen_before_any_prerelease() -> None:
    rows = [row(v) for v in ("1.9.0", "2.0.0-rc.1", "1.10.0", "odd", "v1.2.0")]
    with talking(serve({"/index.yaml": index(*rows)})) as (_, client):
        repository = HelmRepository(client, "")
        assert repository.choose("web", "").version == "1.10.0"
        assert repository.choose("web", "2.0.0-rc.1").version == "2.0.0-rc.1"
        assert repository.choose("web", "1.2.0").version == "v1.2.0"
        with pytest.raises(ChartUnknown, match=r"no version 3\.0\.0 .*it has 1\.10\.0, 1\.9\.0"):
            repository.choose("web", "3.0.0")
        with pytest.raises(ChartUnknown, match="no chart 'db'"):
            repository.choose("db", "")


def test_where_all_are_prereleases_the_newest_is_chosen() -> None:
    rows = [row("1.0.0-a"), row("1.0.0-b")]
    with talking(serve({"/index.yaml": index(*rows)})) as (_, client):
        assert HelmRepository(client, "").choose("web", "").version == "1.0.0-b"


def test_broken_entries_hide_no_others() -> None:
    rows = [
        3,
        {},
        {"version": "1"},
        {"version": 1, "urls": ["a"]},
        row("1.0.0", urls=[]),
        row("2.0.0"),
    ]
    with talking(serve({"/index.yaml": index(*rows)})) as (_, client):
        assert [c.version for c in HelmRepository(client, "").versions("web")] == ["2.0.0"]


@pytest.mark.parametrize("digest", [SHA256, f"sha256:{SHA256}", "", "no digest", None], ids=repr)
def test_an_archive_of_the_digest_of_the_index_is_taken(digest: Any) -> None:
    files = {"/index.yaml": index(row("1.0.0", digest=digest)), "/web-1.0.0.tgz": ARCHIVE}
    with talking(serve(files)) as (_, client):
        repository = HelmRepository(client, "")
        assert repository.pull(repository.choose("web", "")) == ARCHIVE


def test_an_archive_of_another_digest_is_refused() -> None:
    files = {"/index.yaml": index(row("1.0.0", digest=SHA256)), "/web-1.0.0.tgz": b"another"}
    with talking(serve(files)) as (_, client):
        repository = HelmRepository(client, "")
        with pytest.raises(RemoteFailed, match=f"its index says sha256:{SHA256}"):
            repository.pull(repository.choose("web", ""))


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{", b"[]", b"a: 1", b'{"entries": []}', b"\xff"]
)
def test_what_is_no_index_is_said_to_be_none(body: bytes) -> None:
    with (
        talking(serve({"/index.yaml": body})) as (_, client),
        pytest.raises(RemoteFailed, match="is not the index of a Helm repository"),
    ):
        HelmRepository(client, "").versions("web")


def test_an_endless_index_is_not_read_on() -> None:
    with (
        talking(serve({"/index.yaml": index(*[row("1.0.0")] * 100)})) as (_, client),
        pytest.raises(TooLarge),
    ):
        HelmRepository(client, "", limit=1000).versions("web")


def test_credentials_do_not_go_to_another_host_that_the_index_names() -> None:
    def closed(request: Request) -> Reply:
        if "authorization" not in request.headers:
            return Reply(401, {"www-authenticate": 'Basic realm="charts"'})
        return Reply(body=index(row("1.0.0", urls=[f"http://{elsewhere.host}/web.tgz"])))

    with (
        answering(serve({"/web.tgz": ARCHIVE})) as elsewhere,
        talking(closed, Credentials("user", "secret")) as (_, client),
    ):
        repository = HelmRepository(client, "")
        assert repository.pull(repository.choose("web", "")) == ARCHIVE
        assert all("authorization" not in request.headers for request in elsewhere.requests)
