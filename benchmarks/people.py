"""`python -m benchmarks.people`: what people who sign in cost those who read.

Reads of a manifest by tag go on alone, then while 8 clients sign in with a password as fast as they
can, each as somebody else; in turns, so that what else the machine does meets both alike. What a
remembered key or password costs is measured inside one process, on a store on disk.
"""

from __future__ import annotations

import base64
import http.client
import json
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import content, drivers, rows, servers
from benchmarks.servers import AUTHORIZATION, Server
from packyard.auth import keys, users
from packyard.auth.accounts import Accounts
from packyard.auth.keys import Key
from packyard.auth.policy import Policy
from packyard.auth.principal import Role
from packyard.auth.secrets import Secrets
from packyard.auth.tokens import Tokens
from packyard.auth.users import User
from packyard.storage.store import Store

CLIENTS = 8
TURNS = 5
SECONDS = 4.0
ROUNDS = 20_000
TARGET = f"/v2/{content.REPOSITORY}/manifests/{content.TAG}"
HERE = Path(__file__).parent


def main() -> None:
    scratch = HERE.parent / "build"  # on a disk, unlike many a /tmp
    scratch.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=scratch))
    try:
        for name, microseconds in remembered(folder / "store").items():
            print(f"a remembered {name}: {microseconds:.1f} µs")
        kind = next(kind for kind in servers.kinds() if kind.name == "packyard")
        with servers.running(kind, folder / "server", signed_in=True) as server:
            rows.fill(server)
            add_people(server)
            alone, beside, sign_ins = in_turns(server)
    finally:
        shutil.rmtree(folder)
    print(f"manifest GET by tag, alone: {alone:,.0f}/s")
    print(f"the same while {CLIENTS} clients sign in: {beside:,.0f}/s ({beside / alone - 1:+.0%})")
    print(f"sign-ins meanwhile: {sign_ins:.1f}/s")


def remembered(folder: Path) -> dict[str, float]:
    """Microseconds of `Policy.recall` for a credential that was verified lately, medians."""
    store = Store.open(folder)
    store.migrate()
    secrets = Secrets.load()
    secrets.start_anew(store)
    policy = Policy(store, Accounts(store), Tokens(store, secrets))
    user = users.create(store, User(name="reader", role=Role.VIEWER), "of the reader")
    key = keys.create(store, Key(name="ci", user_uid=user.uid))
    found = {}
    for name, credential in (
        ("password", f"Basic {_basic('reader', 'of the reader')}".encode()),
        ("key", f"ApiKey {key}".encode()),
    ):
        policy.verify(credential)
        times = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            policy.recall(credential)
            times.append(time.perf_counter() - began)
        found[name] = statistics.median(times) * 1e6
    store.close()
    return found


def add_people(server: Server) -> None:
    for number in range(CLIENTS):
        spec = {"role": "viewer", "password": f"password of {number}"}
        body = {"metadata": {"name": f"person-{number}"}, "spec": spec}
        status = _post(_connect(server), "/v1/users", body, AUTHORIZATION)
        if status != 201:
            raise RuntimeError(f"person-{number} was not made: {status}")


def in_turns(server: Server) -> tuple[float, float, float]:
    """Reads a second alone and beside sign-ins, medians; sign-ins a second."""
    alone, beside, rates = [], [], []
    for _ in range(TURNS):
        alone.append(reads(server))
        with signing_in(server) as done:
            began = time.perf_counter()
            beside.append(reads(server))
            rates.append(sum(done) / (time.perf_counter() - began))
    return statistics.median(alone), statistics.median(beside), statistics.median(rates)


def reads(server: Server) -> float:
    return drivers.read(server, TARGET, connections=32, seconds=SECONDS).requests_per_second


@contextmanager
def signing_in(server: Server) -> Iterator[list[int]]:
    """Clients that do nothing else until the block ends; how often each was signed in."""
    done = [0] * CLIENTS
    ended = threading.Event()

    def client(number: int) -> None:
        connection = _connect(server)
        body = {"emailId": f"person-{number}", "password": f"password of {number}"}
        while not ended.is_set():
            if _post(connection, "/v1/auth/authenticate?setCookie=false", body) == 200:
                done[number] += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield done
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _connect(server: Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)


def _post(
    connection: http.client.HTTPConnection, path: str, body: object, authorization: str = ""
) -> int:
    headers = {"Content-Type": "application/json"}
    if authorization:
        headers["Authorization"] = authorization
    connection.request("POST", path, json.dumps(body), headers)
    with connection.getresponse() as answer:
        answer.read()
        return answer.status


def _basic(name: str, password: str) -> str:
    return base64.b64encode(f"{name}:{password}".encode()).decode()


if __name__ == "__main__":
    main()
