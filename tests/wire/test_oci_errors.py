"""OCI distribution 1.1, "Error Codes" and who may call what, for every end point."""

from __future__ import annotations

from itertools import count

import httpx
import pytest

from tests.live import Live
from tests.wire.oci import CODES, IMAGE, Repo, codes, errors, random_bytes, refused
from tests.wire.raw import Wire

DIGEST = "sha256:" + "0" * 64
READS = [
    ("GET", "/v2/"),
    ("GET", "/v2/_catalog"),
    ("GET", f"/v2/a/blobs/{DIGEST}"),
    ("HEAD", f"/v2/a/blobs/{DIGEST}"),
    ("GET", "/v2/a/manifests/v1"),
    ("HEAD", "/v2/a/manifests/v1"),
    ("GET", f"/v2/a/manifests/{DIGEST}"),
    ("GET", "/v2/a/tags/list"),
    ("GET", f"/v2/a/referrers/{DIGEST}"),
]
WRITES = [
    ("POST", "/v2/a/blobs/uploads/"),
    ("POST", f"/v2/a/blobs/uploads/?digest={DIGEST}"),
    ("POST", f"/v2/a/blobs/uploads/?mount={DIGEST}&from=b"),
    ("PATCH", "/v2/a/blobs/uploads/id"),
    ("PUT", f"/v2/a/blobs/uploads/id?digest={DIGEST}"),
    ("DELETE", "/v2/a/blobs/uploads/id"),
    ("PUT", "/v2/a/manifests/v1"),
    ("PUT", f"/v2/a/manifests/{DIGEST}?tag=x"),
    ("DELETE", "/v2/a/manifests/v1"),
    ("DELETE", f"/v2/a/manifests/{DIGEST}"),
    ("DELETE", f"/v2/a/blobs/{DIGEST}"),
]


_addresses = count(1)


def elsewhere() -> str:
    """An address that nobody has tried to sign in from: failed tries are counted by address."""
    return f"198.51.100.{next(_addresses)}"


@pytest.mark.parametrize(("method", "path"), READS + WRITES)
@pytest.mark.parametrize(
    "header",
    [
        None,
        "Basic !!!",
        "Basic YWRtaW46d3Jvbmc=",
        "Basic bm9ib2R5Ong=",
        "Basic",
        "Bearer x",
        "Basic YWRtaW4=",
    ],
    ids=["none", "not base64", "wrong password", "no such user", "empty", "bearer", "no colon"],
)
def test_without_valid_credentials_every_end_point_is_401(
    anonymous: httpx.Client, method: str, path: str, header: str | None
) -> None:
    headers = {"x-forwarded-for": elsewhere()}
    if header is not None:
        headers["authorization"] = header
    answer = anonymous.request(method, path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Basic realm="')
    if method != "HEAD":
        assert codes(answer) == ["UNAUTHORIZED"]


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_reader_may_not_write(reader: httpx.Client, method: str, path: str) -> None:
    answer = reader.request(method, path, content=b"{}")
    assert answer.status_code == 403
    assert codes(answer) == ["DENIED"]


def test_a_reader_reads(repo: Repo, reader: httpx.Client) -> None:
    data = random_bytes(10)
    content = repo.store(repo.image(data), "v1")
    mine = Repo(reader, repo.name)
    assert reader.get("/v2/").status_code == 200
    assert mine.get("v1").content == content.body
    assert mine.tags() == ["v1"]
    assert mine.referrers(content.digest()).status_code == 200


BAD_NAMES = ["A", "a/B", "a//b", "-a", "a-", ".a", "a..b", "a___b", "a/", "a/.b", "a+b", "x" * 256]


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("GET", "manifests/v1"),
        ("GET", f"blobs/{DIGEST}"),
        ("GET", "tags/list"),
        ("POST", "blobs/uploads/"),
        ("PUT", "manifests/v1"),
        ("DELETE", "manifests/v1"),
    ],
)
def test_an_illegal_name_is_refused(admin: httpx.Client, name: str, method: str, rest: str) -> None:
    answer = admin.request(method, f"/v2/{name}/{rest}", headers={"content-type": IMAGE})
    assert answer.status_code in (400, 404), answer.text
    assert {"NAME_INVALID", "NAME_UNKNOWN"} & set(codes(answer)), answer.text


@pytest.mark.parametrize("name", ["..", "a/../b", "%2e%2e", "a%2f..%2fb", "a%00b", "a%0ab", "%ff"])
def test_a_name_that_climbs_is_refused(admin: httpx.Client, name: str) -> None:
    with Wire(str(admin.base_url)) as wire:
        wire.head("POST", f"/v2/{name}/blobs/uploads/", admin, {"Content-Length": "0"})
        assert wire.status() in (400, 404)


@pytest.mark.parametrize("tag", ["-a", ".a", "a+b", "a b", "ä", "x" * 129, "a%2fb", "%00"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_illegal_tag_is_refused(repo: Repo, method: str, tag: str) -> None:
    content = repo.store(repo.image(), "v1")
    answer = repo.call(
        method, f"manifests/{tag}", content=content.body, headers={"content-type": IMAGE}
    )
    assert answer.status_code in ((400,) if method == "PUT" else (400, 404)), answer.text
    assert set(codes(answer)) <= CODES
    assert repo.tags() == ["v1"]


@pytest.mark.parametrize(
    "of", ["sha256:zz", "sha256:" + "A" * 64, "md5:" + "0" * 32, "sha256:" + "0" * 63, "latest"]
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_illegal_digest_of_a_blob_is_refused(repo: Repo, method: str, of: str) -> None:
    repo.push(b"so that the repository exists")
    refused(repo.call(method, f"blobs/{of}"), (400, 404), ("DIGEST_INVALID", "BLOB_UNKNOWN"))


@pytest.mark.parametrize("of", ["sha256:zz", "md5:" + "0" * 32, "a:b"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_illegal_digest_of_a_manifest_is_refused(repo: Repo, method: str, of: str) -> None:
    repo.push(b"so that the repository exists")
    answer = repo.call(method, f"manifests/{of}")
    refused(answer, (400, 404), ("DIGEST_INVALID", "MANIFEST_UNKNOWN"))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v2/a/manifests/v1"),
        ("PATCH", "/v2/a/manifests/v1"),
        ("PUT", f"/v2/a/blobs/{DIGEST}"),
        ("POST", f"/v2/a/blobs/{DIGEST}"),
        ("DELETE", "/v2/a/tags/list"),
        ("POST", "/v2/a/tags/list"),
        ("DELETE", f"/v2/a/referrers/{DIGEST}"),
        ("PUT", "/v2/a/blobs/uploads/"),
        ("DELETE", "/v2/_catalog"),
        ("POST", "/v2/"),
    ],
)
def test_a_method_that_an_end_point_lacks_is_405(
    admin: httpx.Client, method: str, path: str
) -> None:
    answer = admin.request(method, path)
    assert answer.status_code == 405
    assert codes(answer) == ["UNSUPPORTED"]
    assert "GET" in answer.headers["allow"] or "POST" in answer.headers["allow"]


@pytest.mark.parametrize("path", ["/v2/a", "/v2/a/b", "/v2/a/blobs", "/v2/a/tags", "/v2/_x/y"])
def test_an_address_that_is_none_is_404(admin: httpx.Client, path: str) -> None:
    answer = admin.get(path)
    assert answer.status_code == 404
    errors(answer)


def test_the_base_works_without_its_slash(admin: httpx.Client) -> None:
    """Clients ask for both; a redirect would drop their credentials."""
    assert admin.get("/v2").status_code == 200


def test_answers_name_their_digest_wherever_there_is_one(repo: Repo, other: Repo) -> None:
    data = random_bytes(10)
    of = repo.push(data)
    content = repo.image(data)
    table = [
        (repo.close(repo.location(), of, data), of),
        (repo.call("POST", "blobs/uploads/", params={"digest": of}, content=data), of),
        (other.begin(mount=of, **{"from": repo.name}), of),
        (repo.blob(of), of),
        (repo.blob(of, "HEAD"), of),
        (repo.blob(of, range="bytes=0-1"), of),
        (repo.put("v1", content), content.digest()),
        (repo.put(content.digest(), content), content.digest()),
        (repo.get("v1"), content.digest()),
        (repo.get("v1", "HEAD"), content.digest()),
        (repo.get(content.digest()), content.digest()),
    ]
    for answer, expected in table:
        assert answer.is_success, answer.text
        assert answer.headers.get("docker-content-digest") == expected, answer.request.url


def test_an_error_is_a_sentence_without_secrets(server: Live, admin: httpx.Client) -> None:
    answer = admin.get("/v2/wire/unknown/manifests/v1")
    (error,) = errors(answer)
    assert "wire/unknown" in answer.text
    assert error["message"][0].isupper()
    assert error["message"].rstrip().endswith(".")
    assert server.admin_password not in answer.text


@pytest.mark.parametrize("query", ["digest=%zz", "mount=%ff", "from=a&from=b", "tag=a;b", "?&=&&"])
def test_a_strange_query_is_no_server_error(admin: httpx.Client, query: str) -> None:
    with Wire(str(admin.base_url)) as wire:
        path = f"/v2/wire/query/blobs/uploads/?{query}"
        wire.head("POST", path, admin, {"Content-Length": "0"})
        assert 200 <= wire.status() < 500
