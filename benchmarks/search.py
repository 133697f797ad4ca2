"""`python -m benchmarks.search`: how long a search takes among 100,000 versions, for each kind of
filter; written into `search.md`. One process asks the catalog as the handlers do, values of a page
among what is read; HTTP and JSON are not.
"""

from __future__ import annotations

import json
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Connection, insert

from benchmarks import report
from packyard.catalog import foreign
from packyard.catalog import search as catalog
from packyard.catalog.clashes import differing
from packyard.catalog.entries import Contents, Entry, built_in_source, pack_uid
from packyard.catalog.filters import parse
from packyard.catalog.foreign import Arrival
from packyard.catalog.query import ADDON_TYPES, Query, both, words
from packyard.catalog.tables import sources
from packyard.catalog.wanted import Text, Wanted
from packyard.digests import digest_of
from packyard.references import Tag
from packyard.server.hub.packs import reading
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

Ask = Callable[[Connection, random.Random], object]


def main() -> None:
    scratch = ROOT / "build"  # on a disk, unlike many a /tmp
    scratch.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="search-", dir=scratch))
    lines = ["# Search", "", "Written by `python -m benchmarks.search`; do not edit.", ""]
    lines += ["| | |", "|---|---|"]
    lines += [f"| {name} | {fact} |" for name, fact in report.machine().items()]
    try:
        store = Store.open(folder)
        store.migrate()
        start = time.perf_counter()
        held = _fill(store)
        lines += [f"| written in | {time.perf_counter() - start:.0f} s |"]
        lines += ["", "| kind of filter | median | 95% |", "|---|---|---|"]
        for name, ask in _kinds(held).items():
            line = f"| {name} | {' | '.join(_measured(store, ask))} |"
            lines.append(line)
            print(line)
        store.close()
    finally:
        shutil.rmtree(folder)
    text = "\n".join([*lines, "", NOTES])
    (Path(__file__).parent / "search.md").write_text(text, encoding="utf-8")


def _measured(store: Store, ask: Ask) -> tuple[str, str]:
    chosen, times = random.Random(1), []
    for _ in range(TURNS + SKIPPED):
        with store.read() as connection:
            start = time.perf_counter()
            ask(connection, chosen)
            times.append((time.perf_counter() - start) * 1000)
    counted = times[SKIPPED:]
    return (
        f"{statistics.median(counted):.1f} ms",
        f"{statistics.quantiles(counted, n=20)[18]:.1f} ms",
    )


def _kinds(held: list[str]) -> dict[str, Ask]:
    """What is asked, by name; the randomness chooses what exactly."""
    lists: dict[str, Callable[[random.Random], str]] = {
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
        "layer, cloud and versions above": lambda some: (
            f"spec.layer={some.choice(LAYERS)}ANDspec.cloudTypes_in_aws,all"
            f"ANDspec.version>1.{some.randrange(VERSIONS)}.0"
        ),
        "not a layer": lambda some: f"spec.layer!={some.choice(LAYERS)}",
        "one of two": lambda some: f"spec.layer=osORspec.addonType={some.choice(ADDON_TYPES)}",
    }
    packs: dict[str, Callable[[random.Random], Query]] = {
        "nothing": lambda _: Wanted().query(),
        "name": lambda some: Wanted(name=Text(eq=some.choice(NAMED).upper())).query(),
        "part of a name": lambda some: Wanted(name=Text(contains=some.choice(NAMED)[-4:])).query(),
        "beginning of a display name": lambda some: Wanted(
            display_name=Text(begins_with=some.choice(WORDS))
        ).query(),
        "layer": lambda some: Wanted(layers=[some.choice(LAYERS)]).query(),
        "type": lambda some: Wanted(types=[some.choice(["spectro", "helm", "oci"])]).query(),
        "add-on types": lambda some: Wanted(addon_types=[some.choice(ADDON_TYPES), ""]).query(),
        "environment": lambda some: Wanted(environments=[some.choice(CLOUDS)[0]]).query(),
        "registry": lambda some: Wanted(registries=[some.choice(held)]).query(),
        "one word": lambda some: words(some.choice(WORDS)),
        "three words": lambda some: words(" ".join(some.sample(WORDS, 3))),
        "a word of two letters": lambda some: words(some.choice(WORDS)[:2]),
        "all sets of a data source": lambda some: Wanted(
            name=Text(eq=some.choice(NAMED)),
            types=["spectro", "helm", "manifest", "oci"],
            layers=["kernel", "os", "k8s", "cni", "csi", "addon"],
            environments=["all"],
            addon_types=[*ADDON_TYPES, ""],
        ).query(),
    }
    asked: dict[str, Ask] = {}
    for name, text in lists.items():
        asked[f"versions: {name}"] = _of_versions(text)
    asked["versions: the 1,500th page"] = _of_versions(lambda _: "", offset=75_000)
    asked["versions by keys: one word"] = _by_keys(packs["one word"])
    asked["versions by keys: newest, layer and a word"] = _by_keys(
        lambda some: both(words(some.choice(WORDS)), parse(f"spec.layer={some.choice(LAYERS)}")),
        newest=True,
    )
    for name, query in packs.items():
        asked[f"packs: {name}"] = _of_packs(query)
    asked["packs: by display name"] = _of_packs(packs["nothing"], sort=[("displayName", True)])
    return asked


def _of_versions(text: Callable[[random.Random], str], offset: int = 0) -> Ask:
    def ask(connection: Connection, some: random.Random) -> object:
        found = catalog.versions(connection, parse(text(some)), limit=PAGE, offset=offset)
        return reading.values_of(connection, [entry.uid for entry in found.items])

    return ask


def _by_keys(query: Callable[[random.Random], Query], *, newest: bool = False) -> Ask:
    """As the pack API asks, which counts nothing."""

    def ask(connection: Connection, some: random.Random) -> object:
        return catalog.search(connection, query(some), newest=newest, limit=PAGE)

    return ask


def _of_packs(
    query: Callable[[random.Random], Query], sort: list[tuple[str, bool]] | None = None
) -> Ask:
    def ask(connection: Connection, some: random.Random) -> object:
        found = catalog.packs_of(connection, query(some), sort=sort or [], limit=PAGE)
        return differing(connection, [one.newest for pack in found.items for one in pack.holdings])

    return ask


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
