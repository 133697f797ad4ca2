"""Lists of tags and repositories, in pages."""

from __future__ import annotations

import pytest

from packyard.digests import digest_of
from packyard.server.edge import Edge
from tests.server.asgi import call
from tests.server.content import image, put

TAGS = ["A", "a", "b", "c-1"]


@pytest.fixture
def tagged(edge: Edge) -> Edge:
    body = image(edge, "a/b", b"layer")
    query = "&".join(f"tag={tag}" for tag in TAGS)
    assert put(edge, f"a/b/manifests/{digest_of(body)}?{query}", body).status == 201
    return edge


@pytest.mark.parametrize(
    ("query", "tags", "link"),
    [
        ("", TAGS, ""),
        ("?n=", TAGS, ""),
        ("?n=4", TAGS, ""),
        ("?n=2", TAGS[:2], '</v2/a/b/tags/list?n=2&last=a>; rel="next"'),
        ("?n=2&last=a", TAGS[2:], ""),
        ("?n=1&last=a", TAGS[2:3], '</v2/a/b/tags/list?n=1&last=b>; rel="next"'),
        ("?last=b", TAGS[3:], ""),
        ("?n=0", [], ""),
        ("?n=999999999", TAGS, ""),
    ],
)
def test_a_page_of_tags(tagged: Edge, query: str, tags: list[str], link: str) -> None:
    reply = call(tagged, "GET", f"/v2/a/b/tags/list{query}")
    assert reply.json() == {"name": "a/b", "tags": tags}
    assert ("link" in reply) == bool(link)
    if link:
        assert reply["link"] == link


@pytest.mark.parametrize("n", ["-1", "x", "1.5", "%D9%A2", "1" * 30])
@pytest.mark.parametrize("path", ["/v2/a/b/tags/list", "/v2/_catalog"])
def test_a_page_size_that_is_none_is_refused(tagged: Edge, path: str, n: str) -> None:
    assert call(tagged, "GET", f"{path}?n={n}").status == 400


def test_repositories_come_in_pages_too(tagged: Edge) -> None:
    for name in ("x", "y"):
        put(tagged, f"{name}/manifests/v1", image(tagged, name, b"layer"))
    reply = call(tagged, "GET", "/v2/_catalog?n=2")
    assert reply.json() == {"repositories": ["a/b", "x"]}
    assert reply["link"] == '</v2/_catalog?n=2&last=x>; rel="next"'
    assert call(tagged, "GET", "/v2/_catalog?last=x").json() == {"repositories": ["y"]}


def test_a_new_tag_is_in_the_next_list(tagged: Edge) -> None:
    """Lists are kept ready too, until anybody commits."""
    for number in range(3):
        tag = f"z{number}"
        put(tagged, f"a/b/manifests/{tag}", image(tagged, "a/b", b"layer"))
        for _ in range(2):
            assert call(tagged, "GET", "/v2/a/b/tags/list?last=z").json()["tags"][-1] == tag


def test_an_unknown_repository_has_no_list(edge: Edge) -> None:
    assert call(edge, "GET", "/v2/none/tags/list").codes == ["NAME_UNKNOWN"]
