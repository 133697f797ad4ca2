"""How a client comes in, and the form of what it gets (terraform-contract.md, 1, 2 and 9)."""

from __future__ import annotations

import pytest

from tests.contract.wire import Wire
from tests.live import ADMIN_PASSWORD, Live

INFO = "/v1/users/info"


@pytest.mark.parametrize("spelling", ["ApiKey", "Apikey", "apiKey", "apikey", "APIKEY"])
def test_a_key_is_taken_however_its_header_is_spelled(
    nobody: Wire, wire: Wire, spelling: str
) -> None:
    assert nobody("GET", INFO, headers={spelling: wire.key}).status == 200


def test_a_token_is_taken_with_and_without_bearer_and_renewed(nobody: Wire) -> None:
    login = {"emailId": "admin", "password": ADMIN_PASSWORD}
    answer = nobody("POST", "/v1/auth/authenticate", login)
    assert answer.status == 200
    token = answer.json["Authorization"]
    for value in (token, f"Bearer {token}"):
        assert nobody("GET", INFO, headers={"Authorization": value}).status == 200
    renewed = nobody("GET", f"/v1/auth/refresh/{token}")
    assert renewed.status == 200
    assert (
        nobody("GET", INFO, headers={"Authorization": renewed.json["Authorization"]}).status == 200
    )


def test_who_is_nobody_gets_an_error_that_clients_can_read(nobody: Wire) -> None:
    for headers in ({}, {"Apikey": "wrong"}, {"Authorization": "a.b.c"}):
        answer = nobody("GET", INFO, headers=headers)
        assert answer.status == 401
        assert "www-authenticate" not in answer.headers
    wrong = nobody("POST", "/v1/auth/authenticate", {"emailId": "admin", "password": "wrong"})
    assert wrong.status == 401


def test_info_names_the_tenant(wire: Wire) -> None:
    found = wire.get(INFO)
    assert found["tenantUid"]
    assert found["orgName"]


def test_an_address_that_is_none_is_not_found_in_the_same_form(wire: Wire) -> None:
    wire.absent("GET", "/v1/nothing/of/the/kind")
    assert wire("PATCH", INFO).status == 405


def test_a_body_that_is_no_json_is_refused_in_the_same_form(wire: Wire, server: Live) -> None:
    for body in (b"{", b"", b"[]", b"\xff", b"null"):
        answer = wire("POST", "/v1/apiKeys", body)
        assert 400 <= answer.status < 500, body


def test_dates_that_go_writes_for_none_and_false_that_it_leaves_out_are_taken(wire: Wire) -> None:
    metadata = {
        "name": "zero dates",
        "creationTimestamp": "0001-01-01T00:00:00.000Z",
        "deletionTimestamp": "0001-01-01T00:00:00.000Z",
        "lastModifiedTimestamp": "0001-01-01T00:00:00.000Z",
        "annotations": None,
        "labels": None,
    }
    made = wire("POST", "/v1/apiKeys", {"metadata": metadata, "spec": {"expiry": None}})
    assert made.status == 201
    path = f"/v1/apiKeys/{made.json['uid']}"
    assert wire.get(path)["metadata"]["name"] == "zero dates"
    wire.done("DELETE", path)
    wire.absent("GET", path)
