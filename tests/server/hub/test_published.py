"""Every operation of the published API is here with its status, or known to be missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.server.hub import checker
from tests.server.hub.conftest import Caller

MISSING = Path(__file__).with_name("missing.txt")


def test_every_published_operation_is_routed_or_listed_as_missing(admin: Caller) -> None:
    document = checker.published()
    if document is None:
        pytest.skip(f"the published API is not at {checker.FILE}: set PACKYARD_API to its file")
    ours = checker.operations(checker.ours(admin.server.url, admin.http))
    published = checker.operations(document)
    lines = [line.split() for line in MISSING.read_text().splitlines() if line]
    missing = {(method, re.sub(r"{\w+}", "{}", path)) for method, path in lines}
    assert missing <= published.keys(), "listed, but not published"
    assert not missing & ours.keys(), "listed as missing, but here"
    assert published.keys() - ours.keys() == missing
    for name in published.keys() & ours.keys():
        assert checker.success(ours[name]) == checker.success(published[name]), name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/users/a%2Fb", "a/b"),
        ("/v1/users/a%2fb/", "a/b"),
        ("/v1/users/a%252Fb", "a%2Fb"),
        ("/v1/users/%25", "%"),
        ("/v1/users/..%2F..%2Fetc", "../../etc"),
        ("/v1/users/%C3%A4%20", "ä "),
        ("/v1/users/%FF", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_a_name_is_one_segment_whatever_it_holds(admin: Caller, path: str, name: str) -> None:
    answer = admin("GET", path)
    assert (answer.status_code, answer.json()["code"]) == (404, "ResourceNotFound")
    assert answer.json()["message"] == f"There is no user with the uid {name}."


def test_slashes_at_the_end_are_routed_and_never_redirected(admin: Caller) -> None:
    assert admin("GET", "/v1/users/").json() == admin("GET", "/v1/users").json()
    assert admin("GET", "/v1/users/info/").json() == admin("GET", "/v1/users/info").json()
    assert admin("GET", "/v1/nothing/").status_code == 404
