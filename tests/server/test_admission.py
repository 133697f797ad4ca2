"""What requests prove themselves by, and what a narrowed key reaches, over the faces."""

from __future__ import annotations

import json
from ipaddress import ip_network

import pytest
from sqlalchemy import select

from packyard.auth import keys, sessions, users
from packyard.auth.keys import Key
from packyard.auth.principal import Action, Limits, Role
from packyard.auth.users import User
from packyard.registry.chart_pushes import push_chart
from packyard.server import packs
from packyard.server.admission import COOKIE, CSRF_COOKIE
from packyard.server.charts import router
from packyard.server.edge import Edge
from packyard.storage.store import Store
from packyard.storage.tables import audits
from tests.live import basic
from tests.packs.samples import chart
from tests.registry import charts
from tests.registry.conftest import archive_of, pack_files
from tests.registry.conftest import push as push_pack
from tests.server.asgi import ADMIN, call
from tests.server.conftest import Made
from tests.server.content import IMAGE, image, push_blob, put

JSON = {**ADMIN, "content-type": "application/json"}
PULLING = frozenset({Action.PULL})


@pytest.fixture
def ann(store: Store) -> User:
    return users.create(store, User(name="ann", role=Role.EDITOR))


def key(store: Store, user: User, name: str = "ci", **limits: object) -> dict[str, str]:
    made = Key(name=name, user_uid=user.uid, limits=Limits(**limits))  # type: ignore[arg-type]
    return {"authorization": basic("token", keys.create(store, made))}


def session(store: Store, user: User) -> tuple[str, str]:
    """A cookie and its token for pages."""
    with store.write() as tx:
        _, cookie = sessions.begin(tx, user.uid, "", "")
    return cookie, sessions.csrf_of(cookie)


def test_a_header_of_any_case_carries_a_key_and_comes_first(
    edge: Edge, store: Store, ann: User
) -> None:
    secret = keys.create(store, Key(name="ci", user_uid=ann.uid))
    for name in ("ApiKey", "apikey", "APIKEY"):
        assert call(edge, "GET", "/v2/", headers={name: secret}).status == 200
    wrong = {"apikey": secret[:-1], "authorization": basic("admin", "password of admin")}
    assert call(edge, "GET", "/v2/", headers=wrong).status == 401
    empty = {"apikey": "", "authorization": basic("admin", "password of admin")}
    assert call(edge, "GET", "/v2/", headers=empty).status == 200


def test_a_session_reads_by_its_cookie_and_changes_with_its_token(
    edge: Edge, store: Store, ann: User
) -> None:
    cookie, token = session(store, ann)
    carried = {"cookie": f"other=1; {COOKIE}={cookie}; more=2"}
    assert call(edge, "GET", "/v2/", headers=carried).status == 200
    target = "/v2/a/blobs/uploads/"
    refused = call(edge, "POST", target, headers=carried)
    assert refused.status == 403
    assert CSRF_COOKIE in refused.json()["errors"][0]["message"]
    other, _ = session(store, ann)
    wrong = sessions.csrf_of(other)
    assert call(edge, "POST", target, headers={**carried, "x-csrf-token": wrong}).status == 403
    assert call(edge, "POST", target, headers={**carried, "x-csrf-token": token}).status == 202
    assert call(edge, "GET", "/v2/", headers={"cookie": f"x{COOKIE}={cookie}"}).status == 401
    assert call(edge, "GET", "/v2/", headers={"cookie": f"{COOKIE}={cookie[:-1]}"}).status == 401


def test_over_tls_only_a_cookie_that_this_host_alone_can_set_counts(
    make: Made, store: Store, ann: User
) -> None:
    edge = make(external_url="https://packs.example.com")
    cookie, _ = session(store, ann)
    assert call(edge, "GET", "/v2/", headers={"cookie": f"{COOKIE}={cookie}"}).status == 401
    assert call(edge, "GET", "/v2/", headers={"cookie": f"__Host-{COOKIE}={cookie}"}).status == 200


def test_pages_of_other_sites_change_nothing_with_a_remembered_password(edge: Edge) -> None:
    headers = {"authorization": basic("admin", "password of admin"), "sec-fetch-site": "cross-site"}
    assert call(edge, "POST", "/v2/a/blobs/uploads/", headers=headers).status == 403
    headers["sec-fetch-site"] = "same-origin"
    assert call(edge, "POST", "/v2/a/blobs/uploads/", headers=headers).status == 202


def test_after_too_many_wrong_passwords_clients_are_told_when_to_come_again(edge: Edge) -> None:
    replies = [
        call(edge, "GET", "/v2/", headers={"authorization": basic("admin", f"wrong {number}")})
        for number in range(13)  # where each takes seconds one more may be made
    ]
    statuses = [reply.status for reply in replies]
    assert statuses == sorted(statuses)
    assert statuses[9:] in ([401, 429, 429, 429], [401, 401, 429, 429])
    assert replies[-1].codes == ["TOOMANYREQUESTS"]
    assert 0 < int(replies[-1]["retry-after"]) <= 30
    elsewhere = call(edge, "GET", "/v2/", client="198.51.100.1")
    assert elsewhere.status == 200


def test_a_narrowed_key_works_in_its_repositories_alone(
    edge: Edge, store: Store, ann: User
) -> None:
    for repo in ("team/app", "other/app"):
        assert put(edge, f"{repo}/manifests/1", image(edge, repo, b"layer")).status == 201
    layer = push_blob(edge, "other/app", b"layer")
    narrow = key(store, ann, repositories="team/*")
    assert call(edge, "GET", "/v2/team/app/manifests/1", headers=narrow).status == 200
    for method, target in (
        ("GET", "/v2/other/app/manifests/1"),
        ("HEAD", f"/v2/other/app/blobs/{layer}"),
        ("GET", "/v2/other/app/tags/list"),
        ("GET", f"/v2/other/app/referrers/{layer}"),
        ("POST", "/v2/other/app/blobs/uploads/"),
        ("POST", "/v2/team/app/deep/blobs/uploads/"),
        ("GET", "/v2/team%2Fx/app/manifests/1"),
        ("PUT", "/v2/other/app/manifests/2"),
        ("DELETE", "/v2/team/app/manifests/1"),
    ):
        assert call(edge, method, target, headers=narrow).status == 403, (method, target)
    listed = call(edge, "GET", "/v2/_catalog", headers=narrow).json()
    assert listed == {"repositories": ["team/app"]}


def test_a_narrowed_key_mounts_nothing_from_beyond(edge: Edge, store: Store, ann: User) -> None:
    theirs, ours = push_blob(edge, "other/app", b"theirs"), push_blob(edge, "team/app", b"ours")
    narrow = key(store, ann, repositories="team/*")
    begin = "/v2/team/new/blobs/uploads/"
    for query in (f"mount={theirs}&from=other/app", f"mount={theirs}", f"mount={ours}"):
        assert call(edge, "POST", f"{begin}?{query}", headers=narrow).status == 202
    mounted = call(edge, "POST", f"{begin}?mount={ours}&from=team/app", headers=narrow)
    assert mounted.status == 201
    pushing = key(store, ann, "push", actions=frozenset({Action.PUSH}))
    unread = call(edge, "POST", f"{begin}?mount={ours}&from=team/app", headers=pushing)
    assert unread.status == 202


def test_a_key_to_pull_pushes_nothing(edge: Edge, store: Store, ann: User) -> None:
    pulling = key(store, ann, actions=PULLING)
    assert call(edge, "GET", "/v2/", headers=pulling).status == 200
    assert call(edge, "POST", "/v2/a/blobs/uploads/", headers=pulling).status == 403


def test_the_pack_api_shows_a_narrowed_key_what_it_is_for(
    edge: Edge, store: Store, ann: User
) -> None:
    app = packs.build(edge.parts)
    narrow = key(store, ann, repositories="spectro-packs/archive/team-*")
    answer = call(app, "GET", "/v1/_packs/other-pack", headers=narrow)
    assert answer.status == 403
    assert answer.json()["code"] == "OperationForbidden"
    assert call(app, "GET", "/v1/_packs/team-pack", headers=narrow).status == 404
    assert call(app, "GET", "/v1/_catalog", headers=narrow).json()["repositories"] == []
    for name in ("other-a", "team-a", "other-b", "team-b", "team-c", "zone"):
        push_pack(edge.parts.registry, pack_files(name=name))
    seen, after = [], ""
    for _ in range(3):
        page = call(app, "GET", f"/v1/_packs?limit=1&after={after}", headers=narrow).json()
        seen += [item["name"] for item in page["items"]]
        after = page["next"]
    assert (seen, after) == (["team-a", "team-b", "team-c"], "")


def test_the_helm_repository_shows_a_narrowed_key_what_it_is_for(
    edge: Edge, store: Store, ann: User
) -> None:
    app, registry = packs.build(edge.parts), edge.parts.registry
    app.include_router(router)
    for number, place in enumerate(("team/web", "other/web", "team/db", "other/db")):
        name = place.partition("/")[2]
        version = "1.0.0" if name == "db" else f"{number}.0.0"
        charts.push(registry, charts.archive(name, version, place), place)
    push_chart(registry, charts.archive("own"), actor="ann")
    narrow = key(store, ann, repositories="team/**")

    def seen(headers: dict[str, str]) -> list[str]:
        said = json.loads(call(edge, "GET", "/helm/index.yaml", headers=headers).body)["entries"]
        assert call(edge, "GET", "/helm/api/charts", headers=headers).json() == said
        return [entry["urls"][0][7:-4] for found in said.values() for entry in found]

    for _ in range(2):
        assert seen(narrow) == ["web-0.0.0"]
        assert sorted(seen(ADMIN)) == ["db-1.0.0", "own-1.2.0", "web-0.0.0", "web-1.0.0"]
    tags = [call(edge, "GET", "/helm/index.yaml", headers=who)["etag"] for who in (ADMIN, narrow)]
    assert len(set(tags)) == 2
    api = "/helm/api/charts"
    assert call(edge, "GET", f"{api}/own", headers=narrow).status == 404
    assert call(edge, "GET", f"{api}/own/1.2.0", headers=narrow).status == 403
    clashes = [call(app, "GET", "/v1/_charts/clashes", headers=who) for who in (ADMIN, narrow)]
    assert [len(reply.json()["items"]) for reply in clashes] == [1, 0]


def audited(store: Store) -> list[tuple[str, str, str, str, str]]:
    """Of changes to content: who, from where, by which face and request, and what, in order."""
    content = audits.c.kind.in_(["artifact", "chart", "pack"])
    columns = (audits.c.actor, audits.c.address, audits.c.via, audits.c.request, audits.c.message)
    with store.read() as connection:
        rows = connection.execute(select(*columns).where(content).order_by(audits.c.uid))
        return [(row.actor, row.address, row.via, row.request, row.message) for row in rows]


def test_every_face_says_in_the_audit_who_changed_what_from_where(
    make: Made, store: Store, ann: User
) -> None:
    proxy = ip_network("192.0.2.7")
    edge = make(trusted_proxies=(proxy,))
    by_key = {**key(store, ann), "x-request-id": "id-1", "x-forwarded-for": "198.51.100.9"}
    assert put(edge, "app/manifests/1", image(edge, "app", b"layer")).status == 201
    layer = {**by_key, "content-type": IMAGE}
    body = image(edge, "app", b"layer 2")
    assert call(edge, "PUT", "/v2/app/manifests/1", body, layer).status == 201
    assert call(edge, "DELETE", "/v2/app/manifests/1", headers={**ADMIN}).status == 202
    assert call(edge, "POST", "/helm/api/charts", chart("web"), by_key).status == 201
    told = audited(store)
    assert [row[:4] for row in told] == [
        ("admin", "192.0.2.7", "oci", told[0][3]),
        ("ann with the API key ci", "198.51.100.9", "oci", "id-1"),
        ("admin", "192.0.2.7", "oci", told[2][3]),
        ("ann with the API key ci", "198.51.100.9", "helm", "id-1"),
    ]
    assert [row[4].split(" in place")[0].split(",")[0] for row in told] == [
        "Pushed app:1",
        "Pushed app:1",
        "Took away the tag app:1",
        "Pushed charts/web:1.0.0",
    ]
    assert all(row[3] for row in told)


def test_the_pack_api_is_audited(edge: Edge, store: Store) -> None:
    app = packs.build(edge.parts)
    pushed = call(app, "POST", "/v1/_packs?message=first", archive_of(pack_files()))
    assert pushed.status == 201
    again = archive_of(pack_files(displayName="Other"))
    assert call(app, "POST", "/v1/_packs?force=true&message=mended", again).status == 201
    tagged = call(app, "PUT", "/v1/_packs/demo/tags/stable", b'{"tag":"1.0.0"}', JSON)
    assert tagged.status == 201
    assert call(app, "DELETE", "/v1/_packs/demo/tags/stable").status == 204
    told = [(row[0], row[2], row[4].split(" in place of ")[0]) for row in audited(store)]
    name = "spectro-packs/archive/demo"
    assert told[:3] == [
        ("admin", "api", f"Pushed {name}:1.0.0: first"),
        ("admin", "api", f"Pushed {name}:1.0.0"),
        ("admin", "api", f"Pushed {name}:stable: mended"),
    ]
    assert audited(store)[1][4].endswith(": mended")
    assert len(told) == 4
