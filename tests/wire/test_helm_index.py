"""The index of a server with two workers: whoever was told of a push finds it there, at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.live import Live
from tests.registry.charts import archive

CLIENTS = 6  # with a connection each, so that both workers answer some


def test_every_worker_lists_what_was_pushed_and_forgets_what_was_deleted(server: Live) -> None:
    auth = ("admin", server.admin_password)

    def client() -> httpx.Client:
        return httpx.Client(base_url=server.url, auth=auth, timeout=30)

    def versions(asking: httpx.Client) -> list[str]:
        entries = asking.get("/helm/index.yaml").json()["entries"]
        return [entry["version"] for entry in entries.get("seen-by-all", [])]

    clients = [client() for _ in range(CLIENTS)]
    expected: list[str] = []
    with ThreadPoolExecutor(CLIENTS) as pool:
        for number in range(10):
            pusher = clients[number % CLIENTS]
            version = f"1.{number}.0"
            saved = pusher.post("/helm/api/charts", content=archive("seen-by-all", version))
            assert saved.status_code == 201, saved.text
            expected.insert(0, version)
            assert list(pool.map(versions, clients)) == [expected] * CLIENTS
        for version in list(expected):
            path = f"/helm/api/charts/seen-by-all/{version}"
            assert clients[0].delete(path).json() == {"deleted": True}
            expected.remove(version)
            assert list(pool.map(versions, clients)) == [expected] * CLIENTS
    for asked in clients:
        asked.close()


def test_many_push_at_once_and_all_of_it_is_listed(server: Live) -> None:
    auth = ("admin", server.admin_password)

    def push(number: int) -> int:
        with httpx.Client(base_url=server.url, auth=auth, timeout=30) as client:
            data = archive(f"together-{number % 3}", f"1.{number}.0")
            return client.post("/helm/api/charts", content=data).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(push, range(24))) == {201}
        same = archive("together-0", "2.0.0")
        with httpx.Client(base_url=server.url, auth=auth, timeout=30) as client:
            posts = [pool.submit(client.post, "/helm/api/charts", content=same) for _ in range(8)]
            assert sorted(post.result().status_code for post in posts) == [201, *[409] * 7]
            entries = client.get("/helm/index.yaml").json()["entries"]
    listed = {name: len(found) for name, found in entries.items() if name.startswith("together-")}
    assert listed == {"together-0": 9, "together-1": 8, "together-2": 8}
