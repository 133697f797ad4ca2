"""`/v2/_catalog`: the repositories, as Docker's registry API lists them, in pages."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.live import start
from tests.wire.oci import Repo

NAMES = ["a", "a-b", "a/b", "a0", "b/c/d", "zz"]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    live = start(tmp_path_factory.mktemp("catalog"), config={"starterpacks": {"enabled": False}})
    try:
        with httpx.Client(base_url=live.url, auth=("admin", live.admin_password)) as client:
            assert client.get("/v2/_catalog").json() == {"repositories": []}
            for name in reversed(NAMES):
                repo = Repo(client, name)
                repo.store(repo.image(), "v1")
            yield client
    finally:
        live.stop()


def test_every_repository_is_listed_in_order(client: httpx.Client) -> None:
    answer = client.get("/v2/_catalog")
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == "application/json"
    assert answer.json() == {"repositories": sorted(NAMES)}
    assert "link" not in answer.headers


@pytest.mark.parametrize("n", [1, 2, 5, 6, 7])
def test_pages_give_every_name_once(client: httpx.Client, n: int) -> None:
    url: str | None = f"/v2/_catalog?n={n}"
    seen: list[str] = []
    while url is not None:
        answer = client.get(url)
        assert answer.status_code == 200
        page = answer.json()["repositories"]
        assert len(page) <= n
        seen += page
        assert len(seen) <= len(NAMES), "pages repeat"
        url = answer.links.get("next", {}).get("url")
    assert seen == sorted(NAMES)


@pytest.mark.parametrize("last", ["a", "a/b", "aa", "zz", "zzz"])
def test_a_page_begins_after_last(client: httpx.Client, last: str) -> None:
    answer = client.get("/v2/_catalog", params={"n": 100, "last": last})
    assert answer.json()["repositories"] == [name for name in sorted(NAMES) if name > last]


@pytest.mark.parametrize("n", ["-1", "x", "1.5", "9" * 40])
def test_a_page_size_that_is_none_is_refused(client: httpx.Client, n: str) -> None:
    answer = client.get("/v2/_catalog", params={"n": n})
    if n.isdigit():
        assert answer.status_code in (200, 400)
    else:
        assert answer.status_code == 400
        assert answer.json()["errors"]
