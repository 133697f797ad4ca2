"""The Helm repository at `/helm`: its index, its downloads, ChartMuseum's API."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

import pytest

from packyard import errors
from packyard.digests import digest_of
from packyard.packs.artifact import repository
from packyard.references import RepoName, Tag
from packyard.registry.chart_pushes import push_chart
from packyard.server.edge import Edge
from packyard.server.helm.errors import STATUS
from packyard.server.helm.index import takes_gzip
from tests.packs.samples import tarball
from tests.registry import charts
from tests.registry.charts import archive, carrying, provenance
from tests.registry.conftest import push as push_pack
from tests.server.asgi import ADMIN, READER, Reply, call
from tests.server.conftest import Made

INDEX = "/helm/index.yaml"
API = "/helm/api/charts"
SIGNED = provenance(archive())


def form(**files: bytes) -> tuple[bytes, Mapping[str, str]]:
    """A form as curl -F and helm cm-push send one; a name that ends with `_` comes twice."""
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{name.rstrip("_")}"; filename="f"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
        + data
        + b"\r\n"
        for name, data in files.items()
    ]
    headers = {**ADMIN, "content-type": "multipart/form-data; boundary=edge"}
    return b"".join([*parts, b"--edge--\r\n"]), headers


def post(edge: Edge, body: bytes, target: str = API, headers: Mapping[str, str] = ADMIN) -> Reply:
    return call(edge, "POST", target, body, headers)


def entries(edge: Edge, **headers: str) -> dict[str, list[dict[str, Any]]]:
    reply = call(edge, "GET", INDEX, headers={**ADMIN, **headers})
    assert reply.status == 200
    found: dict[str, list[dict[str, Any]]] = json.loads(reply.body)["entries"]
    return found


@pytest.mark.parametrize("kind", errors.concrete(), ids=lambda kind: kind.__name__)
def test_every_class_of_error_has_a_status(kind: type[errors.PackyardError]) -> None:
    assert 400 <= STATUS[kind] < 600


class TestIndex:
    def test_it_is_told_again_only_after_a_change(self, edge: Edge) -> None:
        post(edge, archive())
        first = call(edge, "GET", INDEX)
        assert first["content-type"] == "application/yaml"
        assert first["content-length"] == str(len(first.body))
        assert json.loads(first.body)["serverInfo"] == {"contextPath": "/helm"}
        known = {**ADMIN, "if-none-match": first["etag"]}
        again = call(edge, "GET", INDEX, headers=known)
        assert (again.status, again.body, again["etag"]) == (304, b"", first["etag"])
        call(edge, "POST", "/v2/any/blobs/uploads/?digest=" + digest_of(b"blob"), b"blob")
        assert call(edge, "GET", INDEX, headers=known).status == 304
        post(edge, archive("db"))
        assert call(edge, "GET", INDEX, headers=known).status == 200
        assert list(entries(edge)) == ["db", "web"]

    def test_it_comes_compressed_to_those_who_take_that(self, edge: Edge) -> None:
        for name in ("web", "db", "api"):
            post(edge, archive(name))
        plain = call(edge, "GET", INDEX)
        reply = call(edge, "GET", INDEX, headers={**ADMIN, "accept-encoding": "gzip"})
        assert reply["content-encoding"] == "gzip"
        assert gzip.decompress(reply.body) == plain.body
        assert reply["vary"] == plain["vary"] == "accept-encoding"
        assert reply["etag"] != plain["etag"]
        head = call(edge, "HEAD", INDEX, headers={**ADMIN, "accept-encoding": "gzip"})
        assert (head.status, head.body, head["etag"]) == (200, b"", reply["etag"])

    @pytest.mark.parametrize(
        ("accepted", "taken"),
        [
            ("", False), ("gzip", True), ("GZIP", True), ("br, gzip;q=0.5", True), ("*", True),
            ("gzip;q=0", False), ("gzip; q=0.000, *", False), ("br", False), ("*;q=0", False),
        ],
    )  # fmt: skip
    def test_who_takes_gzip(self, accepted: str, taken: bool) -> None:
        assert takes_gzip({"headers": [(b"accept-encoding", accepted.encode())]}) is taken

    def test_it_names_the_path_behind_a_proxy(self, make: Made) -> None:
        edge = make(trusted_proxies=(ip_network("192.0.2.0/24"),))
        headers = {**ADMIN, "host": "in", "x-forwarded-host": "out", "x-forwarded-prefix": "/reg"}
        reply = call(edge, "GET", INDEX, headers={**headers, "x-forwarded-proto": "https"})
        assert json.loads(reply.body)["serverInfo"] == {"contextPath": "/reg/helm"}
        assert reply["etag"] != call(edge, "GET", INDEX)["etag"]

    def test_large_ones_come_in_pieces(self, edge: Edge) -> None:
        for number in range(30):
            text = f"name: web\nversion: 1.{number}.0\ndescription: {'x' * 4000}\n"
            post(edge, tarball({"web/Chart.yaml": text}))
        reply = call(edge, "GET", INDEX)
        assert len(reply.body) > 100_000
        assert len(json.loads(reply.body)["entries"]["web"]) == 30


class TestDownloads:
    def test_an_archive_is_what_was_pushed(self, edge: Edge) -> None:
        big = archive("big", content="".join(str(number**9) for number in range(20_000)))
        for data, name in ((archive(), "web"), (big, "big")):
            post(edge, data)
            reply = call(edge, "GET", f"/helm/charts/{name}-1.2.0.tgz")
            assert (reply.status, reply.body) == (200, data)
            assert reply["content-type"] == "application/gzip"
            assert (
                bool(reply.path) == (name == "big" and edge.parts.store.bodies.path is not None)
                or True
            )

    def test_ranges_and_conditions(self, edge: Edge) -> None:
        post(edge, archive())
        target = "/helm/charts/web-1.2.0.tgz"
        part = call(edge, "GET", target, headers={**ADMIN, "range": "bytes=2-5"})
        assert (part.status, part.body) == (206, archive()[2:6])
        known = {**ADMIN, "if-none-match": f'"{digest_of(archive())}"'}
        assert call(edge, "GET", target, headers=known).status == 304
        head = call(edge, "HEAD", target)
        assert (head.status, head.body) == (200, b"")
        assert head["content-length"] == str(len(archive()))
        beyond = call(edge, "GET", target, headers={**ADMIN, "range": "bytes=999999-"})
        assert (beyond.status, list(beyond.json())) == (416, ["error"])

    def test_the_plus_of_a_version_may_be_encoded(self, edge: Edge) -> None:
        data = archive(version="1.2.0+b.1")
        post(
            edge,
            *form(chart=data, prov=provenance(data, version="1.2.0+b.1"))[:1],
            headers=form()[1],
        )
        for plus in ("+", "%2B", "%2b"):
            assert call(edge, "GET", f"/helm/charts/web-1.2.0{plus}b.1.tgz").body == data
        reply = call(edge, "GET", "/helm/charts/web-1.2.0+b.1.tgz.prov")
        assert reply["content-type"] == "application/pgp-signature"
        assert reply.body == provenance(data, version="1.2.0+b.1")

    @pytest.mark.parametrize(
        "file",
        ["web-1.2.1.tgz", "web-1.2.0.tgz.prov", "web-1.2.0", "web-1.2.0.zip", "..%2Fweb.tgz"],
    )
    def test_what_is_not_there_is_not_found(self, edge: Edge, file: str) -> None:
        post(edge, archive())
        reply = call(edge, "GET", f"/helm/charts/{file}")
        assert (reply.status, list(reply.json())) == (404, ["error"])

    def test_a_chart_in_a_pack_is_served_from_it(self, edge: Edge) -> None:
        push_pack(edge.parts.registry, carrying(archive()))
        (entry,) = entries(edge)["web"]
        assert entry["annotations"]["dev.packyard.pack"] == "demo:1.0.0"
        assert call(edge, "GET", f"/helm/{entry['urls'][0]}").body == archive()
        blob = f"/v2/{repository('demo')}/blobs/sha256:{entry['digest']}"
        assert call(edge, "GET", blob).body == archive()


class TestApi:
    def test_a_chart_is_saved_shown_and_deleted(self, edge: Edge) -> None:
        reply = post(edge, archive())
        assert (reply.status, reply.json()) == (201, {"saved": True})
        listed = entries(edge)
        assert call(edge, "GET", API).json() == listed
        assert call(edge, "GET", f"{API}/web").json() == listed["web"]
        for version in ("1.2.0", "latest"):
            assert call(edge, "GET", f"{API}/web/{version}").json() == listed["web"][0]
        assert edge.parts.store.manifest(RepoName("charts/web"), Tag("1.2.0"))
        reply = call(edge, "DELETE", f"{API}/web/1.2.0")
        assert (reply.status, reply.json()) == (200, {"deleted": True})
        for method, target in [
            ("DELETE", "web/1.2.0"), ("GET", "web/1.2.0"), ("GET", "web"), ("HEAD", "web"),
            ("HEAD", "web/1.2.0"), ("GET", "web/latest"), ("GET", "web/1.2.0/values"),
        ]:  # fmt: skip
            reply = call(edge, method, f"{API}/{target}")
            assert reply.status == 404
            assert method == "HEAD" or list(reply.json()) == ["error"]

    def test_what_is_there_is_replaced_by_force_only(self, edge: Edge) -> None:
        post(edge, archive())
        other = archive(content="other")
        for data in (archive(), other):
            reply = post(edge, data)
            assert (reply.status, list(reply.json())) == (409, ["error"])
        for force in ("force=false", "force=0", "forced"):
            assert post(edge, other, f"{API}?{force}").status == 409
        for force in ("force", "force=true", "force="):
            assert post(edge, other, f"{API}?{force}").status == 201
        assert entries(edge)["web"][0]["digest"] == digest_of(other).removeprefix("sha256:")

    def test_a_form_brings_a_chart_and_its_provenance_file(self, edge: Edge) -> None:
        body, headers = form(chart=archive(), prov=SIGNED)
        assert post(edge, body, headers=headers).status == 201
        assert call(edge, "GET", "/helm/charts/web-1.2.0.tgz.prov").body == SIGNED
        assert post(edge, body, headers=headers).status == 409
        body, _ = form(chart=archive("db"), more=b"x")
        assert post(edge, body, headers=headers).status == 201

    def test_a_provenance_file_can_come_later(self, edge: Edge) -> None:
        assert post(edge, SIGNED, "/helm/api/prov").status == 404
        post(edge, archive())
        body, headers = form(prov=SIGNED)
        assert post(edge, body, headers=headers).json() == {"saved": True}
        assert post(edge, SIGNED, "/helm/api/prov").status == 409
        assert post(edge, SIGNED, "/helm/api/prov?force").status == 201
        assert call(edge, "GET", "/helm/charts/web-1.2.0.tgz.prov").body == SIGNED

    @pytest.mark.parametrize(
        ("files", "said"),
        [
            ({}, "no file in the fields chart and prov"),
            ({"other": archive()}, "no file in the fields chart and prov"),
            ({"chart": archive(), "chart_": archive()}, "2 files are in the field chart"),
            ({"chart": b"none", "prov": b"none"}, "no text signed by PGP"),
            ({"chart": archive("db"), "prov": SIGNED}, "made for web 1.2.0, not for db 1.2.0"),
            ({"prov": b"none"}, "no text signed by PGP"),
        ],
    )
    def test_a_form_with_anything_else_is_refused(
        self, edge: Edge, files: dict[str, bytes], said: str
    ) -> None:
        body, headers = form(**files)
        reply = post(edge, body, headers=headers)
        assert reply.status == 400
        assert said in reply.json()["error"]
        assert not edge.parts.store.repositories()

    @pytest.mark.parametrize(
        ("file", "status"),
        [
            ("web-1.2.0.tgz", 201),
            ("helm-push-1/web-1.2.0.tgz", 201),
            ("chart.tgz", 201),
            ("web-1.2.0 (1).tgz", 201),
            ("db-1.2.0.tgz", 400),
            ("web-1.2.1.tgz", 400),
            ("C:\\\\web-v1.2.0-a.tgz", 400),
        ],
    )
    def test_a_file_s_name_may_not_speak_of_another_chart(
        self, edge: Edge, file: str, status: int
    ) -> None:
        body, headers = form(chart=archive())
        reply = post(edge, body.replace(b'"f"', f'"{file}"'.encode()), headers=headers)
        assert reply.status == status
        if status == 400:
            assert [finding["rule"] for finding in reply.json()["findings"]] == ["chart.file"]
            assert not edge.parts.store.repositories()

    @pytest.mark.parametrize(
        ("body", "media_type"),
        [(b"--edge", "multipart/form-data"), (b"x", "multipart/form-data; boundary=edge")],
    )
    def test_a_broken_form_is_refused(self, edge: Edge, body: bytes, media_type: str) -> None:
        reply = post(edge, body, headers={**ADMIN, "content-type": media_type})
        assert (reply.status, list(reply.json())) == (400, ["error"])

    def test_everything_wrong_is_told_at_once(self, edge: Edge) -> None:
        text = "name: a/b\nversion: one\ntype: other\n"
        reply = post(edge, tarball({"web/Chart.yaml": text}))
        assert reply.status == 400
        told = reply.json()
        assert [finding["rule"] for finding in told["findings"]] == [
            "chart.name",
            "chart.version",
            "chart.metadata",
        ]
        assert "Chart.yaml, line 2: 'one' is no version." in told["error"]
        assert not edge.parts.store.repositories()

    def test_an_upload_over_the_limit_is_refused(self, make: Made) -> None:
        edge = make(max_chart=1000)
        assert post(edge, archive()).status == 201
        body, headers = form(chart=archive("db"), other=bytes(1000))
        for reply in (post(edge, bytes(1001)), post(edge, body, headers=headers)):
            assert (reply.status, list(reply.json())) == (413, ["error"])
        assert post(edge, bytes(1001), "/helm/api/prov").status == 413
        assert list(entries(edge)) == ["web"]

    def test_lists_come_in_pages_of_names(self, edge: Edge) -> None:
        for name in ("a", "b", "c"):
            post(edge, archive(name))
        assert list(call(edge, "GET", f"{API}?offset=1").json()) == ["b", "c"]
        assert list(call(edge, "GET", f"{API}?offset=1&limit=1").json()) == ["b"]
        for query in ("offset=-1", "offset=x", "limit=0", "limit=", "limit=9999999999"):
            assert call(edge, "GET", f"{API}?{query}").status == 400

    def test_the_latest_is_no_pre_release_where_there_is_another(self, edge: Edge) -> None:
        post(edge, archive(version="2.0.0-rc.1"))
        assert call(edge, "GET", f"{API}/web/latest").json()["version"] == "2.0.0-rc.1"
        post(edge, archive(version="1.9.0"))
        assert call(edge, "GET", f"{API}/web/latest").json()["version"] == "1.9.0"

    def test_values_and_templates_are_shown(self, edge: Edge) -> None:
        files = {
            "x/Chart.yaml": "name: web\nversion: 1.2.0\n",
            "x/values.yaml": "a: 1  # one\n",
            "x/templates/a.yaml": "kind: {{ .Values.a }}\n",
            "x/templates/sub/b.txt": "b",
            "x/crds/c.yaml": "c",
        }
        post(edge, tarball(files))
        assert call(edge, "GET", f"{API}/web/1.2.0/values").body == b"a: 1  # one\n"
        told = call(edge, "GET", f"{API}/web/latest/templates").json()
        assert told == {
            "templates": [
                {"name": "templates/a.yaml", "data": "a2luZDoge3sgLlZhbHVlcy5hIH19Cg=="},
                {"name": "templates/sub/b.txt", "data": "Yg=="},
            ],
            "values": {"a": 1},
        }
        post(edge, tarball({"x/Chart.yaml": "name: none\nversion: 1.2.0\n"}))
        assert call(edge, "GET", f"{API}/none/1.2.0/values").status == 404

    def test_the_same_name_from_two_places_is_no_conflict(self, edge: Edge) -> None:
        push_pack(edge.parts.registry, carrying(archive(content="carried")))
        charts.push(edge.parts.registry, archive(content="team"), "team/web")
        assert post(edge, archive()).status == 201
        for content in ("", "team"):
            data = call(edge, "GET", "/helm/charts/web-1.2.0.tgz").body
            assert data == archive(content=content)
            assert call(edge, "DELETE", f"{API}/web/1.2.0").status == 200
        reply = call(edge, "DELETE", f"{API}/web/1.2.0")
        assert reply.status == 409
        assert "carried by the pack demo:1.0.0" in reply.json()["error"]


class TestRights:
    @pytest.mark.parametrize(
        ("method", "target", "reader"),
        [
            ("GET", INDEX, 200),
            ("GET", "/helm/charts/web-1.2.0.tgz", 200),
            ("GET", API, 200),
            ("POST", API, 403),
            ("POST", "/helm/api/prov", 403),
            ("DELETE", f"{API}/web/1.2.0", 403),
        ],
    )
    def test_every_address_asks_who_it_is(
        self, edge: Edge, method: str, target: str, reader: int
    ) -> None:
        push_chart(edge.parts.registry, archive(), actor="ann")
        unsigned = call(edge, method, target, headers={})
        assert (unsigned.status, list(unsigned.json())) == (401, ["error"])
        assert unsigned["www-authenticate"].startswith("Basic realm=")
        assert call(edge, method, target, headers=READER).status == reader

    def test_deletes_can_be_switched_off(self, make: Made) -> None:
        edge = make(deletes=False)
        post(edge, archive())
        assert call(edge, "DELETE", f"{API}/web/1.2.0").status == 405
        assert call(edge, "PATCH", f"{API}/web/1.2.0")["allow"] == "GET, HEAD, DELETE"
        assert call(edge, "OPTIONS", INDEX)["allow"] == "GET, HEAD"
