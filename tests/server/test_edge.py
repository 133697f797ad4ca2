"""What every request has in common, whichever face it is for."""

from __future__ import annotations

import asyncio
import logging
import re
import time

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from packyard.errors import ClientStalled
from packyard.references import RepoName
from packyard.server import packs
from packyard.server.edge import Edge
from tests.server.asgi import ADMIN, Turn, ask, call
from tests.server.conftest import Made
from tests.server.content import push_blob

HEADERS = ((b"x-frame-options", b"DENY"), (b"content-security-policy", b"default-src 'none'"))


@pytest.mark.parametrize("target", ["/v2", "/v2/", "/v2/_catalog"])
def test_the_oci_face_has_everything_below_v2(edge: Edge, target: str) -> None:
    reply = call(edge, "GET", target)
    assert reply.status == 200
    assert reply["docker-distribution-api-version"] == "registry/2.0"


@pytest.mark.parametrize("target", ["/", "/v1/", "/v2x", "/health"])
def test_the_inner_application_has_the_rest(edge: Edge, target: str) -> None:
    reply = call(edge, "GET", target)
    assert reply.body == b"inner"
    assert "docker-distribution-api-version" not in reply


@pytest.mark.parametrize("target", ["/v2/", "/v2/none/manifests/x", "/elsewhere"])
def test_every_answer_has_the_configured_headers(make: Made, target: str) -> None:
    reply = call(make(headers=HEADERS), "GET", target)
    assert {(name.decode(), value.decode()) for name, value in HEADERS} <= set(reply.headers)
    assert reply["server"] == "packyard"


def test_a_header_of_the_answer_itself_goes_before_a_configured_one(make: Made) -> None:
    own = PlainTextResponse("page", headers={"content-security-policy": "default-src 'self'"})
    reply = call(make(headers=HEADERS, inner=own), "GET", "/docs")
    values = [value for name, value in reply.headers if name == "content-security-policy"]
    assert values == ["default-src 'self'"]


def test_each_request_has_an_id_of_its_own(edge: Edge) -> None:
    ids = {call(edge, "GET", "/v2/")["x-request-id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("given", "taken"),
    [("abc-1.2_3", True), ("x" * 64, True), ("x" * 65, False), ("a b", False), ("", False)],
)
def test_a_harmless_id_of_the_client_is_kept(edge: Edge, given: str, taken: bool) -> None:
    reply = call(edge, "GET", "/v2/", headers={**ADMIN, "x-request-id": given})
    assert (reply["x-request-id"] == given) == taken
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", reply["x-request-id"])


def test_without_credentials_there_is_a_challenge(edge: Edge) -> None:
    reply = call(edge, "GET", "/v2/", headers={})
    assert (reply.status, reply.codes) == (401, ["UNAUTHORIZED"])
    assert reply["www-authenticate"] == 'Basic realm="a \\"b\\"", charset="UTF-8"'


def test_anonymous_clients_pull_where_that_is_allowed(make: Made) -> None:
    edge = make(anonymous_pull=True)
    digest = push_blob(edge, "a", b"data")
    assert call(edge, "GET", f"/v2/a/blobs/{digest}", headers={}).body == b"data"
    assert call(edge, "POST", "/v2/a/blobs/uploads/", headers={}).status == 401


def test_switched_off_deletes_are_405(make: Made) -> None:
    reply = call(make(deletes=False), "DELETE", "/v2/a/manifests/x")
    assert (reply.status, reply.codes) == (405, ["UNSUPPORTED"])


@pytest.mark.parametrize(("method", "status"), [("OPTIONS", 204), ("PATCH", 405), ("BREW", 405)])
def test_the_methods_of_an_address_are_told(edge: Edge, method: str, status: int) -> None:
    reply = call(edge, method, "/v2/_catalog")
    assert (reply.status, reply["allow"]) == (status, "GET, HEAD")


def test_an_error_answers_head_without_a_body(edge: Edge) -> None:
    reply = call(edge, "HEAD", "/v2/a/manifests/x")
    assert (reply.status, reply.body) == (404, b"")


@pytest.mark.parametrize(
    ("target", "key"), [("/v2/", "errors"), ("/helm/index.yaml", "error"), ("/v1/", "ref")]
)
def test_a_failure_of_ours_is_told_to_the_log_only(
    make: Made,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    target: str,
    key: str,
) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise RuntimeError("the secret of the server")

    edge = make(inner=fails)
    monkeypatch.setattr("packyard.server.routed.admit", fails)
    reply = call(edge, "GET", target, headers={"x-request-id": "id-7"})
    assert reply.status == 500
    assert key in reply.json()
    assert b"id-7" in reply.body
    assert b"secret" not in reply.body
    assert "the secret of the server" in caplog.text


def test_a_failure_below_v1_is_told_in_its_form_and_logged_once(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("the secret of the server")

    monkeypatch.setattr("packyard.catalog.entries.names", fails)
    pages = Edge(edge.parts, packs.build(edge.parts))
    reply = call(pages, "GET", "/v1/_catalog", headers={**ADMIN, "x-request-id": "id-8"})
    assert (reply.status, reply["content-type"]) == (500, "application/json")
    assert (reply.json()["code"], reply.json()["ref"]) == ("InternalError", "id-8")
    assert b"secret" not in reply.body
    [record] = [line for line in caplog.records if line.levelno >= logging.ERROR]
    assert record.exc_info


@pytest.mark.parametrize(
    ("target", "takes"),
    [
        ("/v1/_packs", "GET, HEAD, POST"),
        ("/v1/_packs/a/tags/1.0.0", "DELETE, GET, HEAD, PUT"),
        ("/v1/_catalog", "GET, HEAD"),
        ("/health", "GET, HEAD"),
    ],
)
def test_the_methods_of_an_address_below_v1_are_told(edge: Edge, target: str, takes: str) -> None:
    pages = Edge(edge.parts, packs.build(edge.parts))
    for method, status in (("OPTIONS", 204), ("PATCH", 405), ("BREW", 405)):
        reply = call(pages, method, target)
        assert (reply.status, reply["allow"]) == (status, takes)
    assert call(pages, "OPTIONS", "/v1/_none").status == 404


@pytest.mark.parametrize(
    ("target", "key"), [("/v2/", "errors"), ("/helm/index.yaml", "error"), ("/v1/", "code")]
)
@pytest.mark.parametrize(
    ("hosts", "version", "refused"),
    [((), "1.1", True), (("a", "b"), "1.1", True), (("a", "a"), "1.0", True), ((), "1.0", False)],
)
def test_a_request_has_one_host(
    edge: Edge, target: str, key: str, hosts: tuple[str, ...], version: str, refused: bool
) -> None:
    """RFC 9112, 3.2: who reads the first and who the last would disagree."""
    reply = asyncio.run(ask(edge, "GET", target, hosts=hosts, version=version))
    assert (reply.status == 400) == refused
    if refused:
        assert key in reply.json()
        assert b"Host" in reply.body


def test_those_who_wait_for_one_upload_keep_nobody_else_waiting(edge: Edge) -> None:
    began = call(edge, "POST", "/v2/a/blobs/uploads/")
    location, uploads = began["location"], edge.parts.store.uploads

    async def wait() -> tuple[list[int], float]:
        waiters = [asyncio.create_task(ask(edge, "PATCH", location, b"x")) for _ in range(60)]
        await asyncio.sleep(0.1)
        start = time.perf_counter()
        assert (await ask(edge, "GET", "/v2/_catalog")).status == 200
        took = time.perf_counter() - start
        return [reply.status for reply in await asyncio.gather(*waiters)], took

    with uploads.append(RepoName("a"), location.rpartition("/")[2]):
        statuses, took = asyncio.run(wait())
    assert set(statuses) == {409}
    assert took < 1
    assert call(edge, "PATCH", location, b"x").status == 202


def test_a_failure_in_the_middle_of_an_answer_breaks_it_off(make: Made) -> None:
    async def fails(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError

    with pytest.raises(RuntimeError):
        call(make(inner=fails), "GET", "/")


def test_a_client_that_falls_silent_is_told_to_any_face(make: Made) -> None:
    seen: list[BaseException] = []

    async def reads(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            while (await receive()).get("more_body"):
                pass
        except ClientStalled as error:
            seen.append(error)
        await PlainTextResponse("done")(scope, receive, send)

    call(make(inner=reads, idle=0.05), "POST", "/", [b"1", b"2", Turn.SILENT])
    assert len(seen) == 1


def test_waiting_after_the_whole_body_is_no_idleness(make: Made) -> None:
    """An application that watches for a client's leaving must not be told of a timeout."""

    async def watches(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(receive(), 0.1)
        await PlainTextResponse("done")(scope, receive, send)

    assert call(make(inner=watches, idle=0.01), "GET", "/").body == b"done"


def test_after_an_early_answer_the_rest_of_the_body_is_read(make: Made) -> None:
    """A connection that is closed with bytes unread is reset, and the answer lost."""
    pieces: list[bytes | Turn] = [b"x" * 1000] * 50
    sent = list(pieces)
    reply = call(make(), "POST", "/v2/a/blobs/uploads/", sent, {"content-length": "50000"})
    assert reply.status == 401
    edge = make(idle=0.05)
    assert call(edge, "PUT", "/v2/none", [b"x", Turn.SILENT], {"content-length": "9"}).status == 404


def test_requests_are_counted_by_route_and_logged_once(
    edge: Edge, caplog: pytest.LogCaptureFixture
) -> None:
    digest = push_blob(edge, "a", b"data")
    caplog.clear()
    with caplog.at_level(logging.INFO, "packyard.access"):
        call(edge, "GET", f"/v2/a/blobs/{digest}?ns=x", headers={**ADMIN, "user-agent": "test/1"})
    [record] = [line for line in caplog.records if line.name == "packyard.access"]
    fields = record.__dict__["fields"]
    assert fields["path"] == f"/v2/a/blobs/{digest}?ns=x"
    assert (fields["status"], fields["sent"], fields["user"]) == (200, 4, "admin")
    assert (fields["remote"], fields["agent"]) == ("192.0.2.7", "test/1")
    labels = {"method": "GET", "route": "/v2/{repo}/blobs/{digest}", "status": "200"}
    value = edge.parts.metrics.registry.get_sample_value
    assert value("packyard_http_requests_total", labels) == 1
    assert value("packyard_http_sent_bytes_total", {"route": labels["route"]}) == 4
