"""`python -m benchmarks.profiles`: how long a person waits for the check of a profile, and for the
options of a layer, on data of our own making; the second also over HTTP, among 10,000 packs.
"""

from __future__ import annotations

import http.client
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import update

from benchmarks import servers
from packyard.catalog import foreign
from packyard.catalog.entries import Contents, built_in_source, entry_of
from packyard.catalog.foreign import Arrival
from packyard.catalog.tables import packs as pack_rows
from packyard.charts.engine import Engine
from packyard.digests import digest_of
from packyard.hub.offers import Offers
from packyard.packs.model import Dependency, Layer, Pack, PackName, parse_pack_json
from packyard.packs.schema import Schema, parse_schema
from packyard.packs.version import sort_key
from packyard.profiles.check import check
from packyard.profiles.content import PackContent
from packyard.profiles.model import Profile, ProfileLayer, ProfileType, Variable
from packyard.profiles.options import Candidate, options
from packyard.storage.store import Store

ROUNDS = 50
LAYERS, VALUES = 12, 300_000
PACKS = 10_000
CLOUD = "edge-native"


def main() -> None:
    profile, packs = profile_of_values(LAYERS, VALUES // LAYERS)
    with Engine() as engine:
        checked = times(
            lambda: check(profile, packs, macros={"owner": "platform"}, engine=engine.fill)
        )
    print(f"check of {LAYERS} layers with {VALUES / 1000:.0f} kB of values: {checked}")
    scratch = Path(__file__).parents[1] / "build"  # on a disk, unlike many a /tmp
    scratch.mkdir(exist_ok=True)
    for versions in (10, 1):
        folder = Path(tempfile.mkdtemp(prefix="profiles-", dir=scratch))
        try:
            measure_options(folder, versions)
        finally:
            shutil.rmtree(folder)


def measure_options(folder: Path, versions: int) -> None:
    """Without HTTP and with it: while nobody writes, and where somebody did before each."""
    (folder / "server").mkdir()
    store = Store.open(folder / "server" / "data")
    store.migrate()
    kubernetes = Candidate(
        "kubernetes", "1.27.3", "1.27.3", "k8s", sort_key("1.27.3"), "Kubernetes", ("all",)
    )
    fill(store, [*catalog(PACKS, versions), kubernetes])
    offers = Offers(store)
    title = f"options of a layer over {PACKS:,} packs, {PACKS // versions:,} names"
    print(f"{title}: {times(lambda: options(offers.packs('addon'), [kubernetes], CLOUD))}")
    kind = next(kind for kind in servers.kinds() if kind.name == "packyard")
    with servers.running(kind, folder / "server", signed_in=True) as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        ask = partial(_ask, client, _sign_in(client))
        for _ in range(20):  # every worker has been asked
            ask()
        print(f"{title}, over HTTP: {times(ask)}")
        print(f"{title}, over HTTP after a push: {times(ask, before=partial(_write, store))}")
    store.close()


def _sign_in(client: http.client.HTTPConnection) -> str:
    body = {"emailId": "admin", "password": servers.PASSWORD}
    token: str = _post(client, "/v1/auth/authenticate", body)["Authorization"]
    return token


def _ask(client: http.client.HTTPConnection, token: str) -> None:
    """A page of 50, of those that fit beside Kubernetes."""
    kubernetes = {"name": "kubernetes", "tag": "1.27.3"}
    template = {"cloudType": CLOUD, "type": "cluster", "packs": [kubernetes]}
    found = _post(client, "/v1/clusterprofiles/options?layer=addon", template, token)
    if len(found["items"]) != 50:
        raise RuntimeError(f"{len(found['items'])} options")


def _post(client: http.client.HTTPConnection, path: str, body: object, token: str = "") -> Any:
    headers = {"Content-Type": "application/json", "Authorization": token}
    client.request("POST", path, json.dumps(body), headers)
    answer = client.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{answer.status}: {text[:500]!r}")
    return json.loads(text)


def _write(store: Store) -> None:
    """Some commit, after which nothing that was remembered can be taken for granted."""
    with store.write() as tx:
        tx.connection.execute(
            update(pack_rows).where(pack_rows.c.layer == "k8s").values(message="x")
        )


def times(work: Callable[[], object], before: Callable[[], object] = lambda: None) -> str:
    """Median, and what 95 of 100 stay below."""
    taken = []
    for _ in range(ROUNDS):
        before()
        start = time.perf_counter()
        work()
        taken.append((time.perf_counter() - start) * 1000)
    percentile = statistics.quantiles(taken, n=20)[18]
    return f"{statistics.median(taken):.1f} ms, 95%: {percentile:.1f} ms"


def profile_of_values(layers: int, size: int) -> tuple[Profile, list[PackContent]]:
    """Each layer has that many bytes of edited values, a schema, and macros in a few places."""
    packs = [_content(number, size) for number in range(layers)]
    made = tuple(
        ProfileLayer(
            name=str(pack.pack.name),
            layer=Layer.ADDON,
            tag=str(pack.pack.label),
            version=pack.pack.version,
            values=pack.values.replace("replicas: 1", "replicas: 2"),
        )
        for pack in packs
    )
    variables = (Variable(name="site", default="north"),)
    profile = Profile(name="bench", type=ProfileType.ADDON, layers=made, variables=variables)
    return profile, packs


def _content(number: int, size: int) -> PackContent:
    name = f"pack-{number}"
    head = (
        f"pack:\n  namespace: {name}\n  # Which team answers.\n"
        f"  namespaceLabels:\n    {name}: 'team={{{{ .spectro.macro.owner }}}}'\n"
        f"charts:\n  {name}:\n    site: '{{{{ .spectro.var.site }}}}'\n    title: "
        f"'{{{{ .spectro.pack.pack-{(number + 1) % LAYERS}.charts.x | default \"none\" }}}}'\n"
    )
    block = """    # How many of this component run, and what each one may take of its node.
    # Change these when the component is slow, or when it is ended for want of memory: the kubelet
    # says so in the events of the pod. Requests that are too high keep pods from being placed at
    # all, so raise them step by step and look at the graphs of the days before. A component that
    # is not enabled keeps its settings.
    component-{0}:
      enabled: true
      replicas: 1
      image: "registry.example.com/team/component:1.{0}.0"
      # Further flags; see the manual of the component for all of them.
      extraArgs: [--verbose=2, "--listen=:8080"]
      resources:
        requests:
          cpu: 100m
          memory: 128Mi
"""
    text = head
    count = 0
    while len(text) < size:
        text += block.format(count)
        count += 1
    entry = (
        "charts.{0}.component-{1}.replicas:\n"
        "  schema: '{{{{ required | format \"${{number}}\" }}}}'\n"
    )
    schema, _ = parse_schema("".join(entry.format(name, index) for index in range(min(count, 20))))
    pack = Pack(name=PackName(name), display_name=name, version="1.0.0", layer=Layer.ADDON)
    return PackContent(pack=pack, values=text, schema=schema or Schema())


def catalog(packs: int, versions: int) -> list[Candidate]:
    """Rows of one layer, so many versions of each pack, a third with constraints."""
    needs = Dependency(pack_name="kubernetes", layer="k8s", min_version="1.28", type="required")
    rows = []
    for number in range(packs):
        place, name = number % versions, f"pack-{number // versions}"
        version = f"{place}.{number % 7}.0"
        rows.append(
            Candidate(
                name=name,
                version=version,
                tag=version,
                layer="addon",
                order=sort_key(version),
                display_name=name.replace("-", " ").title(),
                clouds=("all",) if number % 4 else ("aws", "edge-native"),
                dependencies=(needs,) if not number % 3 else (),
            )
        )
    return rows


def fill(store: Store, rows: Iterable[Candidate]) -> None:
    """The packs as a synchronization writes them."""
    with store.write() as tx:
        source = built_in_source(tx.connection)
        foreign.prepare(tx.connection, (_arrival(source, row) for row in rows))
    with store.write() as tx:
        foreign.reveal(tx.connection, source, [])


def _arrival(source: str, row: Candidate) -> Arrival:
    needs = [
        {
            "packName": one.pack_name,
            "layer": one.layer,
            "minVersion": one.min_version,
            "type": one.type,
        }
        for one in row.dependencies
    ]
    written = {
        "name": row.name,
        "displayName": row.display_name,
        "version": row.version,
        "layer": row.layer,
        "cloudTypes": list(row.clouds),
        "constraints": {"dependencies": needs},
    }
    pack, _ = parse_pack_json(json.dumps(written).encode())
    if pack is None:
        raise ValueError(written)
    digest = digest_of(f"{row.name} {row.version}".encode())
    entry = entry_of(
        pack,
        source=source,
        digest=digest,
        content_digest=digest,
        archive_digest=digest,
        size=10_000,
        message="",
        pushed_by="",
        pushed_at=1_700_000_000_000_000,
    )
    contents = Contents(
        pack_json=json.dumps(written),
        values="replicas: 1\n" * 100,
        readme="What it is for. " * 100,
        schema="",
        presets="",
        logo=b"",
        files=(),
    )
    return Arrival(entry, contents)


if __name__ == "__main__":
    main()
