"""Refusals of the `/v1` API: a row for every class, and one form for all of them."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from packyard import errors
from packyard.findings import Finding, Severity
from packyard.server.problems import STATUS_AND_CODE, add_problems, challenge


@pytest.mark.parametrize("refusal", errors.concrete(), ids=lambda cls: cls.__name__)
def test_every_class_has_a_row(refusal: type[errors.PackyardError]) -> None:
    status, code = STATUS_AND_CODE[refusal]
    assert 400 <= status < 600
    assert code[0].isupper()


def test_no_row_without_a_class() -> None:
    assert set(STATUS_AND_CODE) == set(errors.concrete())


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    add_problems(app, 'the "yard"')

    @app.get("/unsigned")
    def unsigned() -> None:
        raise errors.Unauthenticated("Sign in.")

    @app.get("/refused")
    def refused() -> None:
        faults = [
            Finding(rule="a.b", severity=Severity.REFUSE, message="Wrong.", file="pack.json"),
            Finding(rule="c.d", severity=Severity.WARNING, message="Unwise.", line=3),
        ]
        raise errors.ContentRefused("The pack is refused.", faults)

    @app.get("/numbers/{number}")
    def numbers(number: int) -> int:
        return number

    return TestClient(app)


def test_a_challenge_names_the_realm(client: TestClient) -> None:
    answer = client.get("/unsigned")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == challenge('the "yard"')
    assert challenge('the "yard"') == 'Basic realm="the \\"yard\\"", charset="UTF-8"'


def test_a_refused_pack_lists_every_finding(client: TestClient) -> None:
    problem = client.get("/refused").json()
    assert set(problem) == {"code", "message", "details", "ref"}
    assert [finding["rule"] for finding in problem["details"]["findings"]] == ["a.b", "c.d"]


def test_a_wrong_parameter_is_named(client: TestClient) -> None:
    answer = client.get("/numbers/many")
    assert answer.status_code == 400
    assert "number" in answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/x", 404), ("PUT", "/refused", 405)]
)
def test_what_is_not_there_is_told_in_the_same_form(
    client: TestClient, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert path in answer.json()["message"]
    assert ("allow" in answer.headers) == (status == 405)
