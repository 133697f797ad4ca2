"""ChartMuseum's API as its client: what is sent, and what is made of odd answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping

import pytest

from packyard.errors import ChartUnknown, Conflict, ContentRefused, RemoteFailed
from packyard.packs.charts import Chart
from packyard.remotes.chart import Packaged
from packyard.remotes.chartmuseum import ChartMuseum
from packyard.remotes.pack import Outcome
from tests.remotes.scripted import Reply, Request, talking

ARCHIVE = b"the archive of a chart"
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()
API = "/helm/api/charts"
ONE = f"{API}/web/1.2.0%2Bb"
ROW = {"name": "web", "version": "1.2.0+b", "urls": ["charts/web-1.2.0+b.tgz"], "digest": SHA256}
PACKAGED = Packaged(Chart("web", "1.2.0+b"), ARCHIVE, b"signed", "")
CARRIED = {**ROW, "annotations": {"dev.packyard.pack": "shop:1.0.0"}}


def script(answers: Mapping[str, object]) -> Callable[[Request], Reply]:
    """Answers by method and path: JSON values, bytes, or a status; 404 for anything else."""

    def answer(request: Request) -> Reply:
        found = answers.get(f"{request.method} {request.path}", 404)
        if isinstance(found, int):
            return Reply(found, body=b'{"error": "said so"}')
        return Reply(body=found if isinstance(found, bytes) else json.dumps(found).encode())

    return answer


@pytest.mark.parametrize(
    ("standing", "query", "outcome"),
    [
        (404, "", Outcome.PUSHED),
        ({**ROW, "digest": "0" * 64}, "?force", Outcome.REPLACED),
        (CARRIED, "", Outcome.PUSHED),
    ],
    ids=["nothing there", "other content", "only in a pack"],
)
def test_an_upload_is_one_form(standing: object, query: str, outcome: Outcome) -> None:
    answers = {f"GET {ONE}": standing, f"POST {API}{query}": {"saved": True}}
    with talking(script(answers)) as (server, client):
        pushed = ChartMuseum(client).push(PACKAGED, force=bool(query))
    assert (pushed.outcome, pushed.digest) == (outcome, f"sha256:{SHA256}")
    sent = server.requests[-1]
    assert sent.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="chart"; filename="chart"\r\n' in sent.body
    assert b"\r\n\r\nsigned\r\n--" in sent.body


@pytest.mark.parametrize(
    ("there", "last", "outcome"),
    [
        (b"signed", "GET /helm/charts/web-1.2.0%2Bb.tgz.prov", Outcome.UNCHANGED),
        (404, "POST /helm/api/prov", Outcome.PUSHED),
    ],
)
def test_the_same_archive_is_not_sent_again(there: object, last: str, outcome: Outcome) -> None:
    answers = {
        f"GET {ONE}": ROW,
        "GET /helm/charts/web-1.2.0%2Bb.tgz.prov": there,
        "POST /helm/api/prov": {"saved": True},
    }
    with talking(script(answers)) as (server, client):
        assert ChartMuseum(client).push(PACKAGED, force=False).outcome is outcome
    assert server.seen()[-1] == last
    assert f"POST {API}" not in server.seen()


def test_refusals_are_told_with_what_the_server_says() -> None:
    finding = {"rule": "chart.name", "severity": "refuse", "message": "No name."}

    def refuse(request: Request) -> Reply:
        if request.method == "GET":
            return Reply(404)
        body = {"error": "is refused", "findings": [finding]}
        return Reply(400, body=json.dumps(body).encode())

    with talking(refuse) as (_, client), pytest.raises(ContentRefused) as refused:
        ChartMuseum(client).push(PACKAGED, force=False)
    assert [found.message for found in refused.value.findings] == ["No name."]
    conflict = script({f"POST {API}": 409})
    with talking(conflict) as (_, client), pytest.raises(Conflict, match="said so"):
        ChartMuseum(client).push(PACKAGED, force=False)
    with talking(script({})) as (_, client), pytest.raises(ChartUnknown):
        ChartMuseum(client).pull("web", "1.2.0+b")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ([], "does not answer as ChartMuseum does"),
        ({**ROW, "urls": []}, "does not say where the archive of web is"),
        ({**ROW, "digest": None}, "does not say where the archive of web is"),
        ({**ROW, "version": "../../x"}, "a version that is none"),
        ({**ROW, "digest": "0" * 64}, "its index says 000"),
    ],
)
def test_an_odd_answer_to_a_pull_is_told(row: object, said: str) -> None:
    answers = {f"GET {API}/web/latest": row, "GET /helm/charts/web-1.2.0+b.tgz": ARCHIVE}
    with talking(script(answers)) as (_, client), pytest.raises(RemoteFailed, match=said):
        ChartMuseum(client).pull("web", "")


@pytest.mark.parametrize("answer", [[], {"web": {}}, "text"])
def test_an_odd_list_is_told(answer: object) -> None:
    said = "does not answer as ChartMuseum does"
    odd = script({f"GET {API}": answer})
    with talking(odd) as (_, client), pytest.raises(RemoteFailed, match=said):
        ChartMuseum(client).rows()
