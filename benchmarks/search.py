"""`python -m benchmarks.search`: how long a search takes among 100,000 versions, for each kind of
filter; written into `search.md`. Once one process asks the catalog as the handlers do, values of a
page among what is read; then a client asks a server with two workers, over one connection.
"""

from __future__ import annotations

import http.client
import json
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection, insert

from benchmarks import report, servers
from benchmarks.servers import Server
from packyard.catalog import foreign
from packyard.catalog import search as catalog
from packyard.catalog.clashes import differing
from packyard.catalog.entries import Contents, Entry, built_in_source, pack_uid
from packyard.catalog.filters import parse
from packyard.catalog.foreign import Arrival
from packyard.catalog.query import ADDON_TYPES, both, words
from packyard.catalog.tables import sources
from packyard.digests import digest_of
from packyard.references import Tag
from packyard.server.hub.packs import reading
from packyard.server.hub.packs.forms import Search
from packyard.storage.store import Store

NAMES, VERSIONS, SOURCES = 10_000, 10, 6
LAYERS = ["addon"] * 16 + ["csi", "cni", "os", "k8s"]
SUB_TYPES = ["", "", "", "dashboard", "collector"]
GROUPS = ["", "", "", "", "edge"]
CLOUDS = [("all",)] * 6 + [("aws", "eks"), ("edge-native", "maas"), ("vsphere",)]
TURNS, SKIPPED = 40, 3
PAGE = 50
NOTES = """\
To reach: 20 ms for 95 of 100 searches. 10,000 names of 10 versions each in six registries, half of
the newest versions with a README of some 2,000 characters; each page has 50 items, its values among
them, and the count of all there are. Every kind is asked 40 times, each time something else.
"""
ROOT = Path(__file__).parents[1]
WORDS = (
    "kubernetes", "monitoring", "metrics", "storage", "network", "policy", "operator", "cluster",
    "database", "queue", "certificate", "gateway", "backup", "tracing", "secret",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """One search: versions by `filters`, or packs by a search object and words."""

    filters: str = ""
    offset: int = 0
    wanted: dict[str, Any] | None = None
    words: str = ""

    def of(self, connection: Connection) -> object:
        """What the handlers ask the catalog, and of it what belongs to a page."""
        if self.wanted is None:
            query = parse(self.filters)
            found = catalog.versions(connection, query, limit=PAGE, offset=self.offset)
            return reading.values_of(connection, [entry.uid for entry in found.items])
        search = Search.model_validate(self.wanted)
        query = both(search.filter.wanted().query(), words(self.words))
        sort = [(by.field, by.order == "desc") for by in search.sort]
        packs = catalog.packs_of(connection, query, sort=sort, limit=PAGE)
        return differing(connection, [one.newest for pack in packs.items for one in pack.holdings])

    def over(self, client: http.client.HTTPConnection, authorization: str) -> None:
        headers = {"Authorization": authorization, "Content-Type": "application/json"}
        given = {"limit": PAGE, "offset": self.offset, "filters": self.filters}
        path, method, body = "/v1/packs", "GET", None
        if self.wanted is not None:
            given = {"limit": PAGE, "q": self.words}
            path, method, body = "/v1/packs/search", "POST", json.dumps(self.wanted)
        client.request(method, f"{path}?{urlencode(given)}", body, headers)
        answer = client.getresponse()
        text = answer.read()
        assert answer.status == HTTPStatus.OK, text


Kind = Callable[[random.Random], Asked]


def main() -> None:
    scratch = ROOT / "build"  # on a disk, unlike many a /tmp
    scratch.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="search-", dir=scratch))
    lines = ["# Search", "", "Written by `python -m benchmarks.search`; do not edit.", ""]
    lines += ["| | |", "|---|---|"]
    lines += [f"| {name} | {fact} |" for name, fact in report.machine().items()]
    try:
        store = Store.open(folder / "data")
        store.migrate()
        start = time.perf_counter()
        kinds = _kinds(_fill(store))
        lines += [f"| written in | {time.perf_counter() - start:.0f} s |", ""]
        lines += ["| kind of filter | median | 95% | over HTTP | 95% |", "|---|---|---|---|---|"]
        alone = {name: _measured(_in_process(store), kind) for name, kind in kinds.items()}
        store.close()
        packyard = next(kind for kind in servers.kinds() if kind.name == "packyard")
        with servers.running(packyard, folder, signed_in=True) as server, _sender(server) as send:
            for name, kind in kinds.items():
                line = f"| {' | '.join((name, *alone[name], *_measured(send, kind)))} |"
                lines.append(line)
                print(line)
    finally:
        shutil.rmtree(folder)
    text = "\n".join([*lines, "", NOTES])
    (Path(__file__).parent / "search.md").write_text(text, encoding="utf-8")


def _measured(ask: Callable[[Asked], object], kind: Kind) -> tuple[str, str]:
    """Median and 95 of 100."""
    chosen, times = random.Random(1), []
    for _ in range(TURNS + SKIPPED):
        asked = kind(chosen)
        start = time.perf_counter()
        ask(asked)
        times.append((time.perf_counter() - start) * 1000)
    counted = times[SKIPPED:]
    return (
        f"{statistics.median(counted):.1f} ms",
        f"{statistics.quantiles(counted, n=20)[18]:.1f} ms",
    )


def _in_process(store: Store) -> Callable[[Asked], object]:
    def ask(asked: Asked) -> object:
        with store.read() as connection:
            return asked.of(connection)

    return ask


@contextmanager
def _sender(server: Server) -> Iterator[Callable[[Asked], object]]:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port)) as client:
        person = json.dumps({"emailId": "admin", "password": servers.PASSWORD})
        json_of = {"Content-Type": "application/json"}
        client.request("POST", "/v1/auth/authenticate", person, json_of)
        token = json.load(client.getresponse())["Authorization"]
        yield lambda asked: asked.over(client, token)


def _kinds(held: list[str]) -> dict[str, Kind]:
    """What is asked, by name; the randomness chooses what exactly."""
    versions: dict[str, Callable[[random.Random], str]] = {
        "nothing": lambda _: "",
        "name": lambda some: f"spec.name={some.choice(NAMED)}",
        "name and version": lambda some: f"spec.name={some.choice(NAMED)}ANDspec.version=1.4.0",
        "uid": lambda some: f"metadata.uid={some.choice(UIDS)}",
        "display name": lambda some: f"spec.displayName={some.choice(NAMED).title()}",
        "layer": lambda some: f"spec.layer={some.choice(LAYERS)}",
        "type": lambda some: f"spec.type={some.choice(['spectro', 'helm', 'oci'])}",
        "add-on type": lambda some: f"spec.addonType={some.choice(ADDON_TYPES)}",
        "add-on sub-type": lambda some: f"spec.addonSubType={some.choice(SUB_TYPES)}",
        "group": lambda some: f"spec.group={some.choice(GROUPS)}",
        "digest": lambda some: f"spec.digest={some.choice(DIGESTS)}",
        "cloud types": lambda some: f"spec.cloudTypes_in_{some.choice(CLOUDS)[0]},all",
        "registry": lambda some: f"spec.registryUid={some.choice(held)}",
        "version": lambda some: f"spec.version=1.{some.randrange(VERSIONS)}.0",
        "versions above": lambda some: f"spec.version>1.{some.randrange(VERSIONS)}.0",
        "not a name": lambda some: f"spec.name!={some.choice(NAMED)}",
        "not a layer": lambda some: f"spec.layer!={some.choice(LAYERS)}",
        "layer, cloud and versions above": lambda some: (
            f"spec.layer={some.choice(LAYERS)}ANDspec.cloudTypes_in_aws,all"
            f"ANDspec.version>1.{some.randrange(VERSIONS)}.0"
        ),
        "one of two": lambda some: f"spec.layer=osORspec.addonType={some.choice(ADDON_TYPES)}",
    }
    packs: dict[str, Callable[[random.Random], dict[str, Any]]] = {
        "nothing": lambda _: {},
        "name": lambda some: {"name": {"eq": some.choice(NAMED).upper()}},
        "part of a name": lambda some: {"name": {"contains": some.choice(NAMED)[-4:]}},
        "beginning of a display name": lambda some: {
            "displayName": {"beginsWith": some.choice(WORDS)}
        },
        "layer": lambda some: {"layer": [some.choice(LAYERS)]},
        "type": lambda some: {"type": [some.choice(["spectro", "helm", "oci"])]},
        "add-on types": lambda some: {"addOnType": [some.choice(ADDON_TYPES), ""]},
        "add-on sub-type": lambda some: {"addOnSubType": [some.choice(SUB_TYPES)]},
        "environment": lambda some: {"environment": [some.choice(CLOUDS)[0]]},
        "registry": lambda some: {"registryUid": [some.choice(held)]},
        "source": lambda some: {"source": [some.choice(["community", "spectrocloud"])]},
        "state": lambda some: {"state": [some.choice(["deprecated", "disabled"])]},
        "all sets of a data source": lambda some: {
            "name": {"eq": some.choice(NAMED)},
            "type": ["spectro", "helm", "manifest", "oci"],
            "layer": ["kernel", "os", "k8s", "cni", "csi", "addon"],
            "environment": ["all"],
            "addOnType": [*ADDON_TYPES, ""],
        },
    }
    texts: dict[str, Callable[[random.Random], str]] = {
        "one word": lambda some: some.choice(WORDS),
        "three words": lambda some: " ".join(some.sample(WORDS, 3)),
        "a word of two letters": lambda some: some.choice(WORDS)[:2],
    }
    kinds: dict[str, Kind] = {"versions: the 1,500th page": lambda _: Asked(offset=75_000)}
    kinds |= {f"versions: {name}": _filtered(text) for name, text in versions.items()}
    kinds |= {f"packs: {name}": _found(wanted) for name, wanted in packs.items()}
    kinds |= {f"packs: {name}": _worded(text) for name, text in texts.items()}
    by_display_name = {"sort": [{"field": "displayName", "order": "desc"}]}
    kinds["packs: by display name"] = lambda _: Asked(wanted=by_display_name)
    return kinds


def _filtered(text: Callable[[random.Random], str]) -> Kind:
    return lambda some: Asked(text(some))


def _found(wanted: Callable[[random.Random], dict[str, Any]]) -> Kind:
    return lambda some: Asked(wanted={"filter": wanted(some)})


def _worded(text: Callable[[random.Random], str]) -> Kind:
    return lambda some: Asked(wanted={}, words=text(some))


def _named() -> list[str]:
    some = random.Random(2)
    return [f"{some.choice(WORDS)}-{some.choice(WORDS)}-{number}" for number in range(NAMES)]


NAMED = _named()
UIDS: list[str] = []
DIGESTS: list[str] = []


def _fill(store: Store) -> list[str]:
    """The catalog, as synchronizations write it; the uids of its registries."""
    with store.write() as tx:
        held = [built_in_source(tx.connection)]
        for number, kind in enumerate(["pack", "helm", "helm", "oci", "ecr"]):
            uid = f"{number:024x}"
            tx.connection.execute(insert(sources).values(uid=uid, kind=kind, name=f"r{number}"))
            held.append(uid)
    by_source: dict[str, list[str]] = {uid: [] for uid in held}
    for number, name in enumerate(NAMED):
        by_source[held[number % len(held)]].append(name)
        if number % 20 == 0:  # some are in several registries
            by_source[held[(number + 1) % len(held)]].append(name)
    some = random.Random(3)
    for source, those in by_source.items():
        with store.write() as tx:
            foreign.prepare(tx.connection, _arrivals(source, those, some))
        with store.write() as tx:
            foreign.reveal(tx.connection, source, [])
    return held


def _arrivals(source: str, those: list[str], some: random.Random) -> Iterator[Arrival]:
    for name in those:
        layer, clouds = some.choice(LAYERS), some.choice(CLOUDS)
        group, sub_type = some.choice(GROUPS), some.choice(SUB_TYPES)
        addon_type = some.choice([*ADDON_TYPES, "ai"]) if layer == "addon" else ""
        for number in range(VERSIONS):
            version = f"1.{number}.0"
            digest = digest_of(f"{name} {version}".encode())
            entry = Entry(
                uid=pack_uid(source, name, version),
                source=source,
                name=name,
                label=Tag(version),
                group=group,
                version=version,
                display_name=name.title(),
                layer=layer,
                addon_type=addon_type,
                addon_sub_type=sub_type,
                system_state="",
                annotations={
                    "description": " ".join(some.choices(WORDS, k=10)),
                    "home": f"https://charts.example.com/{name}",
                    "source": "community",
                },
                digest=digest,
                content_digest=digest,
                archive_digest=digest,
                size=10_000,
                message="",
                pushed_by="",
                pushed_at=1_700_000_000_000_000,
                clouds=clouds,
                place=f"https://charts.example.com/{name}-{version}.tgz",
                validator=digest,
            )
            UIDS.append(entry.uid)
            DIGESTS.append(digest)
            newest = number == VERSIONS - 1
            yield Arrival(entry, _contents(some) if newest and some.random() < 0.5 else None)


def _contents(some: random.Random) -> Contents:
    readme = " ".join(some.choices([*WORDS, *(f"word{number}" for number in range(2000))], k=250))
    values = json.dumps({f"key{number}": number for number in range(300)})
    return Contents(
        pack_json="", values=values, readme=readme, schema="", presets="", logo=b"", files=()
    )


if __name__ == "__main__":
    main()
