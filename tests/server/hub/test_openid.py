"""A browser signs in at a real OpenID provider, by way of a live server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import live
from tests.auth import provider as programs
from tests.auth.provider import CLIENT, SECRET, Running
from tests.live import Live
from tests.server.hub.conftest import SETTLED

LOGIN, CALLBACK = "/v1/auth/oidc/login", "/v1/auth/oidc/callback"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib")  # of the provider


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with programs.running(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture(scope="module")
def server(program: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    oidc = {
        "issuer": program.issuer,
        "clientid": CLIENT,
        "roles": {"platform": "editor"},
        "projectroles": {"developers": ["Default=admin"]},
        "label": "Example",
        "ca": str(program.ca),
    }
    env = {"PACKYARD_AUTH_OIDC_CLIENTSECRET": SECRET}
    folder: Path = tmp_path_factory.mktemp("server")
    with live.start(folder, workers=2, config={"auth": {"oidc": oidc}}, env=env) as running:
        yield running


@pytest.fixture
def browser(server: Live) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url) as client:
        yield client


def go(browser: httpx.Client, program: Running, subject: str, query: str = "") -> httpx.Response:
    """Sign in as that person; the answer to coming back."""
    begun = browser.get(f"{LOGIN}{query}")
    assert begun.status_code == 303
    back = program.consent(begun.headers["location"], subject)
    return browser.get(CALLBACK, params=back)


def test_somebody_signs_in_there_and_is_known_here(browser: httpx.Client, program: Running) -> None:
    assert browser.get("/v1/auth/providers").json() == {
        "items": [{"label": "Example", "url": LOGIN}]
    }
    done = go(browser, program, "ann-1", "?next=/console/packs%3Fq=1")
    assert (done.status_code, done.headers["location"]) == (303, "/console/packs?q=1")
    me = browser.get("/v1/users/me").json()
    assert me["metadata"]["name"] == "ann"
    assert me["spec"]["emailId"] == "ann@example.com"
    assert me["spec"]["role"] == "editor"
    (inside,) = me["spec"]["projectRoles"]
    assert inside["role"] == "admin"
    assert not me["status"]["hasPassword"]
    token = {"X-CSRF-Token": browser.cookies["packyard_csrf"]}
    assert browser.post("/v2/a/blobs/uploads/", headers=token).status_code == 202
    assert browser.post("/v1/auth/signout", headers=token).status_code == 204
    time.sleep(SETTLED)
    assert browser.get("/v1/users/me").status_code == 401


def test_strangers_are_refused(browser: httpx.Client, program: Running) -> None:
    done = go(browser, program, "mallory-3")
    assert done.status_code == 403
    assert "has no role here" in done.json()["message"]
    assert not browser.cookies.get("packyard_session")


@pytest.mark.parametrize(
    "path",
    ["https://example.com/", "//example.com", "/\\example.com", "console", "/a\tb", ""],
)
def test_nobody_is_led_elsewhere(browser: httpx.Client, program: Running, path: str) -> None:
    begun = browser.get(LOGIN, params={"next": path})
    back = program.consent(begun.headers["location"], "ann-1")
    done = browser.get(CALLBACK, params=back)
    assert done.headers["location"] == "/console/"


def test_a_sign_in_belongs_to_the_browser_that_began_it(
    browser: httpx.Client, program: Running, server: Live
) -> None:
    begun = browser.get(LOGIN)
    back = program.consent(begun.headers["location"], "ann-1")
    assert httpx.get(f"{server.url}{CALLBACK}", params=back).status_code == 401
    with httpx.Client(base_url=server.url) as other:
        other.get(LOGIN)
        assert other.get(CALLBACK, params=back).status_code == 401
    assert browser.get(CALLBACK, params={**back, "state": back["state"] + "x"}).status_code == 401
    assert browser.get(CALLBACK, params=back).status_code == 303
    assert browser.get(CALLBACK, params=back).status_code == 401


def test_a_provider_that_refuses_is_said(browser: httpx.Client, program: Running) -> None:
    begun = browser.get(LOGIN)
    state = begun.headers["location"].split("state=")[1].split("&")[0]
    refused = browser.get(CALLBACK, params={"error": "access_denied", "state": state})
    assert refused.status_code == 403
    assert "access_denied" in refused.json()["message"]


def test_the_token_of_a_sign_in_under_way_opens_nothing(browser: httpx.Client) -> None:
    browser.get(LOGIN)
    kept = browser.cookies["packyard_sign_in"]
    opened = browser.get("/v1/users/info", headers={"authorization": kept})
    assert opened.status_code == 401


def test_no_code_is_in_the_log(browser: httpx.Client, program: Running, server: Live) -> None:
    begun = browser.get(LOGIN)
    back = program.consent(begun.headers["location"], "ann-1")
    browser.get(CALLBACK, params=back)
    log = server.log()
    assert back["code"] not in log
    assert back["state"] not in log
    assert SECRET not in log
