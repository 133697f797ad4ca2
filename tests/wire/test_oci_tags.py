"""OCI distribution 1.1, "Listing Tags" (end-8a, end-8b)."""

from __future__ import annotations

import httpx
import pytest

from tests.wire.oci import Repo, refused, unique

TAGS = ["0", "1.10.0", "1.9.0", "A", "Z", "_x", "a", "a-b", "a.b", "b", "latest", "v1"]


@pytest.fixture(scope="module")
def tagged(admin: httpx.Client) -> Repo:
    repo = Repo(admin, unique("wire/tagged"))
    content = repo.store(repo.image())
    for tag in reversed(TAGS):
        repo.store(content, tag)
    return repo


def test_tags_are_listed_in_byte_order(tagged: Repo) -> None:
    answer = tagged.call("GET", "tags/list")
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == "application/json"
    assert answer.json() == {"name": tagged.name, "tags": sorted(TAGS)}
    assert "link" not in answer.headers


@pytest.mark.parametrize("n", [1, 2, 5, 11, 12, 13, 1000])
def test_a_page_holds_n_tags_and_links_to_the_next(tagged: Repo, n: int) -> None:
    answer = tagged.call("GET", "tags/list", params={"n": n})
    assert answer.status_code == 200
    assert answer.json()["tags"] == sorted(TAGS)[:n]
    assert ("next" in answer.links) == (n < len(TAGS))


@pytest.mark.parametrize("n", [1, 5, 7])
def test_the_links_lead_through_every_tag_once(tagged: Repo, n: int) -> None:
    url: str | None = tagged.path(f"tags/list?n={n}")
    seen: list[str] = []
    while url is not None:
        answer = tagged.client.get(url)
        seen += answer.json()["tags"]
        assert len(seen) <= len(TAGS), "pages repeat"
        url = answer.links.get("next", {}).get("url")
    assert seen == sorted(TAGS)


def test_no_tags_are_asked_for(tagged: Repo) -> None:
    answer = tagged.call("GET", "tags/list", params={"n": 0})
    assert answer.status_code == 200
    assert answer.json()["tags"] == []
    assert "link" not in answer.headers


@pytest.mark.parametrize("last", [*TAGS, "1.9.00", "nothere", "zzz"])
def test_a_list_begins_after_last(tagged: Repo, last: str) -> None:
    answer = tagged.call("GET", "tags/list", params={"last": last})
    assert answer.status_code == 200
    assert answer.json()["tags"] == [tag for tag in sorted(TAGS) if tag > last]


def test_n_and_last_together(tagged: Repo) -> None:
    answer = tagged.call("GET", "tags/list", params={"n": 3, "last": "A"})
    assert answer.json()["tags"] == ["Z", "_x", "a"]


@pytest.mark.parametrize("n", ["-1", "x", "1.5", ""])
def test_a_page_size_that_is_none_is_refused(tagged: Repo, n: str) -> None:
    answer = tagged.call("GET", "tags/list", params={"n": n})
    if n == "":
        assert answer.status_code in (200, 400)
    else:
        assert answer.status_code == 400
        assert answer.json()["errors"]


def test_a_repository_without_tags_lists_none(repo: Repo) -> None:
    repo.store(repo.image())
    assert repo.call("GET", "tags/list").json() == {"name": repo.name, "tags": []}


def test_an_unknown_repository_has_no_list(repo: Repo) -> None:
    refused(repo.call("GET", "tags/list"), 404, "NAME_UNKNOWN")


def test_a_thousand_tags_come_in_one_answer(repo: Repo) -> None:
    content = repo.store(repo.image())
    names = [f"t{number:04}" for number in range(1000)]
    for start in range(0, len(names), 50):
        answer = repo.put(content.digest(), content, names[start : start + 50])
        assert answer.status_code == 201, answer.text
    assert repo.tags() == names
