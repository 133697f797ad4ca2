"""Requests: schemes, trust, credentials, retries, redirects, limits, sentences."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from packyard.errors import (
    Conflict,
    ContentRefused,
    Denied,
    ManifestUnknown,
    PackyardError,
    PathUnknown,
    PreconditionFailed,
    RemoteFailed,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
)
from packyard.findings import Severity
from packyard.remotes.address import parse_address
from packyard.remotes.challenge import Credentials
from packyard.remotes.client import Client
from tests.live import free_port
from tests.remotes.certificates import Certificate
from tests.remotes.scripted import Reply, Request, answering, talking

ME = Credentials("me", "hush-hush")
BASIC = {"WWW-Authenticate": 'Basic realm="r"'}


def for_me(request: Request) -> Reply:
    """A registry that lets only `ME` in."""
    known = request.headers.get("authorization") == ME.header
    return Reply(body=b"{}") if known else Reply(401, BASIC)


# Credentials.


def test_credentials_go_out_only_once_they_were_asked_for() -> None:
    with talking(for_me, ME) as (server, client):
        client.request("GET", "/v2/")
        client.request("GET", "/v2/")
    sent = ["authorization" in request.headers for request in server.requests]
    assert sent == [False, True, True]


def test_wrong_credentials_are_tried_once() -> None:
    with answering(for_me) as server:
        wrong = Credentials("me", "wrong-secret")
        with (
            Client(parse_address(server.host), wrong) as client,
            pytest.raises(Unauthenticated) as refused,
        ):
            client.request("GET", "/v2/")
    assert len([r for r in server.requests if r.method == "GET"]) == 2
    assert refused.value.detail["host"] == server.host
    assert "wrong-secret" not in str(refused.value)


def test_verify_sends_the_credentials_where_anybody_may_read() -> None:
    def anonymous_too(request: Request) -> Reply:
        value = request.headers.get("authorization")
        return Reply(body=b"{}") if value in (None, ME.header) else Reply(401, BASIC)

    with talking(anonymous_too, ME) as (_server, client):
        client.verify()
    wrong = Credentials("me", "wrong")
    with talking(anonymous_too, wrong) as (_server, client), pytest.raises(Unauthenticated):
        client.verify()


def test_verify_asks_a_foreign_registry_at_v2() -> None:
    def foreign(request: Request) -> Reply:
        return for_me(request) if request.path == "/v2/" else Reply(404)

    with talking(foreign, ME) as (_server, client):
        client.verify()


def test_a_token_is_fetched_for_each_scope_and_renewed_when_refused() -> None:
    issued: list[str] = []

    def script(request: Request) -> Reply:
        if request.path.startswith("/token"):
            issued.append(request.path)
            return Reply(body=json.dumps({"token": f"t{len(issued)}"}).encode())
        if request.headers.get("authorization") == f"Bearer t{len(issued)}" and issued:
            return Reply(body=b"{}")
        realm = f'Bearer realm="http://{request.headers["host"]}/token",service="reg"'
        return Reply(401, {"WWW-Authenticate": realm})

    with talking(script, ME) as (server, client):
        client.request("GET", "/v2/a", scope="repository:a:pull")
        client.request("GET", "/v2/a", scope="repository:a:pull")
        client.request("GET", "/v2/b", scope="repository:b:pull")
        client.request("GET", "/v2/a", scope="repository:a:pull")
    scopes = [path.partition("scope=")[2] for path in issued]
    assert scopes == [f"repository%3A{name}%3Apull" for name in "aba"]
    asked = [r.headers.get("authorization") for r in server.requests if "/token" in r.path]
    assert asked == [ME.header] * 3


def test_a_password_is_not_sent_to_a_realm_without_tls(certificate: Certificate) -> None:
    challenge = {"WWW-Authenticate": 'Bearer realm="http://127.0.0.1:9/token"'}
    with (
        answering(lambda _: Reply(401, challenge), tls=certificate.server()) as server,
        Client(parse_address(server.host), ME, insecure=True) as client,
        pytest.raises(RemoteFailed, match="unencrypted"),
    ):
        client.request("GET", "/v2/")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"token": {}',
        b"\xff",
        b'{"token": "\\ud801"}',
        b'{"token": "a\\r\\nb: c"}',
        b'{"token": "x", "expires_in": 1%s}' % (b"0" * 400),
    ],
)
def test_a_realm_without_a_token_is_named(body: bytes) -> None:
    def script(request: Request) -> Reply:
        realm = f'Bearer realm="http://{request.headers["host"]}/token"'
        return (
            Reply(body=body)
            if request.path == "/token"
            else Reply(401, {"WWW-Authenticate": realm})
        )

    with (
        talking(script) as (_server, client),
        pytest.raises(RemoteFailed, match="gave no token"),
    ):
        client.request("GET", "/v2/")


def test_a_redirect_to_another_host_gets_no_credentials() -> None:
    with answering(lambda _: Reply(body=b"blob")) as other:

        def script(request: Request) -> Reply:
            known = request.headers.get("authorization") == ME.header
            away = {"Location": f"http://{other.host}/stored"}
            return Reply(307, away) if known else Reply(401, BASIC)

        with answering(script) as server, Client(parse_address(server.host), ME) as client:
            assert client.request("GET", "/v2/a/blobs/x").body == b"blob"
    assert "authorization" not in other.requests[0].headers


def test_another_host_that_asks_for_credentials_gets_none() -> None:
    with answering(lambda _: Reply(401, BASIC)) as other:

        def script(request: Request) -> Reply:
            known = request.headers.get("authorization") == ME.header
            away = {"Location": f"http://{other.host}/stored"}
            return Reply(307, away) if known else Reply(401, BASIC)

        with answering(script) as server, Client(parse_address(server.host), ME) as client:
            with pytest.raises(Unauthenticated):
                client.request("GET", "/v2/a/blobs/x")
            with pytest.raises(Unauthenticated):
                client.request("GET", f"http://{other.host}/directly")
    assert [request.headers.get("authorization") for request in other.requests] == [None, None]


def test_redirects_in_circles_end() -> None:
    with (
        talking(lambda _: Reply(302, {"Location": "/again"})) as (server, client),
        pytest.raises(RemoteFailed, match="circles"),
    ):
        client.request("GET", "/v2/")
    assert len(server.requests) < 10


# Schemes and trust.


def test_a_registry_on_this_machine_may_speak_plain_http() -> None:
    with talking(lambda _: Reply(body=b"{}")) as (_server, client):
        assert client.request("GET", "/v2/").status == 200


def test_an_untrusted_certificate_is_refused_and_the_mend_named(certificate: Certificate) -> None:
    with (
        answering(lambda _: Reply(), tls=certificate.server()) as server,
        Client(parse_address(server.host)) as client,
        pytest.raises(RemoteFailed) as refused,
    ):
        client.request("GET", "/v2/")
    assert f"/etc/packyard/certs.d/{server.host}/ca.crt" in str(refused.value)
    assert "--insecure" in str(refused.value)
    assert server.requests == []


def test_insecure_takes_any_certificate(certificate: Certificate) -> None:
    with (
        answering(lambda _: Reply(body=b"{}"), tls=certificate.server()) as server,
        Client(parse_address(server.host), insecure=True) as client,
    ):
        assert client.request("GET", "/v2/").url.scheme == "https"


@pytest.mark.parametrize("name", ["{host}", "127.0.0.1"])
def test_a_ca_laid_down_for_the_server_is_trusted(
    name: str, certificate: Certificate, tmp_path: Path
) -> None:
    with answering(lambda _: Reply(body=b"{}"), tls=certificate.server()) as server:
        folder = tmp_path / name.format(host=server.host)
        folder.mkdir()
        shutil.copy(certificate.path, folder / "ca.crt")
        with Client(parse_address(server.host), certificates=[tmp_path]) as client:
            assert client.request("GET", "/v2/").url.scheme == "https"


def test_a_ca_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "ca.crt").write_text("not PEM")
    with pytest.raises(RemoteFailed, match=str(tmp_path)):
        Client(parse_address("host"), certificates=[tmp_path])


def test_https_in_the_address_is_never_left(tmp_path: Path) -> None:
    with answering(lambda _: Reply()) as server:
        address = parse_address(f"https://{server.host}")
        with Client(address, insecure=True) as client, pytest.raises(RemoteFailed, match="TLS"):
            client.request("GET", "/v2/")
    assert server.requests == []


# Failures in sentences.


def test_a_refused_connection_is_a_sentence_with_the_host() -> None:
    host = f"127.0.0.1:{free_port()}"
    with (
        Client(parse_address(host)) as client,
        pytest.raises(RemoteFailed, match=f"{host} refuses connections"),
    ):
        client.request("GET", "/v2/")


def test_a_name_that_does_not_resolve_is_a_sentence() -> None:
    with (
        Client(parse_address("http://no-such-host.invalid")) as client,
        pytest.raises(RemoteFailed, match="does not resolve"),
    ):
        client.request("GET", "/v2/")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "UNAUTHORIZED", Unauthenticated),
        (403, "DENIED", Denied),
        (404, "MANIFEST_UNKNOWN", ManifestUnknown),
        (404, "", PathUnknown),
        (409, "CONFLICT", Conflict),
        (412, "", PreconditionFailed),
        (413, "SIZE_INVALID", TooLarge),
        (400, "MANIFEST_INVALID", RemoteFailed),
        (500, "UNKNOWN", RemoteFailed),
    ],
)
def test_a_refusal_becomes_the_error_of_its_kind(
    status: int, code: str, kind: type[PackyardError]
) -> None:
    body = json.dumps({"errors": [{"code": code, "message": "one."}, {"message": "two"}]})
    with (
        talking(lambda _: Reply(status, body=body.encode())) as (server, client),
        pytest.raises(PackyardError) as refused,
    ):
        client.request("GET", "/v2/")
    assert type(refused.value) is kind
    assert str(refused.value) == f"{server.host}: one; two."


@pytest.mark.parametrize(
    "body", [b"", b"<html>Bad", b"[1]", b'{"errors": 3}', b"[" * 5000, b"\xff"]
)
def test_a_refusal_in_no_known_form_shows_its_status(body: bytes) -> None:
    with (
        talking(lambda _: Reply(418, body=body)) as (_server, client),
        pytest.raises(RemoteFailed, match="418"),
    ):
        client.request("GET", "/v2/")


@pytest.mark.parametrize("form", ["oci", "v1"])
def test_findings_of_a_refused_pack_come_along(form: str) -> None:
    good = {"rule": "r.x", "severity": "refuse", "message": "Bad.", "file": "a.json", "line": 3}
    odd = {"rule": "r.y", "severity": "odd", "line": "x"}
    entries = [
        {"code": "MANIFEST_INVALID", "message": "Bad.", "detail": row} for row in (good, odd)
    ]
    answer: dict[str, object] = {"errors": entries}
    said = " refuses what was pushed"
    if form == "v1":
        said = ": Refused"  # in the server's own words
        details = {"findings": [good, odd, 7]}
        answer = {"code": "InvalidPack", "message": "Refused.", "details": details}
    with (
        talking(lambda _: Reply(400, body=json.dumps(answer).encode())) as (server, client),
        pytest.raises(ContentRefused, match=f"{server.host}{said}") as refused,
    ):
        client.request("PUT", "/v2/x")
    first, second = refused.value.findings
    assert (first.rule, first.file, first.line, first.message) == ("r.x", "a.json", 3, "Bad.")
    assert (second.severity, second.line) == (Severity.REFUSE, 0)


def test_an_answer_over_the_limit_is_not_read_on() -> None:
    with (
        talking(lambda _: Reply(body=b"x" * 2000)) as (_server, client),
        pytest.raises(TooLarge, match="1000 bytes"),
    ):
        client.request("GET", "/v2/", limit=1000)


def test_an_answer_that_is_cut_off_is_no_answer() -> None:
    with (
        talking(lambda _: Reply(body=b"x" * 2000, cut=10)) as (_server, client),
        pytest.raises(RemoteFailed, match="broke"),
    ):
        client.request("GET", "/v2/")


# Trying again.


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_passing_failure_is_tried_again(status: int) -> None:
    answers = iter([Reply(status, {"Retry-After": "0"}), Reply(status), Reply(body=b"{}")])
    with talking(lambda _: next(answers)) as (_server, client):
        assert client.request("GET", "/v2/").status == 200


def test_a_lasting_failure_is_told_after_some_tries() -> None:
    with (
        talking(lambda _: Reply(503)) as (server, client),
        pytest.raises(RemoteFailed, match="503"),
    ):
        client.request("GET", "/v2/")
    assert len(server.requests) == 4


@pytest.mark.parametrize(("method", "repeat"), [("POST", True), ("PATCH", True), ("PUT", False)])
def test_a_request_with_side_effects_is_sent_once(method: str, repeat: bool) -> None:
    with talking(lambda _: Reply(503)) as (server, client), pytest.raises(RemoteFailed):
        client.request(method, "/v2/", content=b"x", repeat=repeat)
    assert server.seen() == [f"{method} /v2/"]


def test_the_time_that_a_server_asks_for_is_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("packyard.remotes.client.time.sleep", waits.append)
    soon = datetime.now(UTC) + timedelta(seconds=20)
    answers = iter(
        [
            Reply(429, {"Retry-After": "7"}),
            Reply(429, {"Retry-After": format_datetime(soon, usegmt=True)}),
            Reply(429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
            Reply(body=b"{}"),
        ]
    )
    with talking(lambda _: next(answers)) as (_server, client):
        client.request("GET", "/v2/")
    first, second, third = waits
    assert 7 <= first < 12
    assert 18 <= second < 35
    assert third < 1


def test_a_server_that_asks_for_a_long_time_is_not_asked_again() -> None:
    with (
        talking(lambda _: Reply(429, {"Retry-After": "3600"})) as (server, client),
        pytest.raises(TooManyRequests, match="come again in 3600 seconds") as refused,
    ):
        client.request("GET", "/v2/")
    assert len(server.requests) == 1
    assert refused.value.detail["retry_after"] == 3600
