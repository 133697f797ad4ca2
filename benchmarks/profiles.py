"""`python -m benchmarks.profiles`: how long a person waits for the check of a profile, and for the
options of a layer. Pure functions on data of our own making; the figures are medians.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from packyard.charts.engine import Engine
from packyard.packs.model import Dependency, Layer, Pack, PackName
from packyard.packs.schema import Schema, parse_schema
from packyard.packs.version import sort_key
from packyard.profiles.check import check
from packyard.profiles.content import PackContent
from packyard.profiles.model import Profile, ProfileLayer, ProfileType, Variable
from packyard.profiles.options import Candidate, options

ROUNDS = 50
LAYERS, VALUES = 12, 300_000
PACKS = 10_000


def main() -> None:
    profile, packs = profile_of_values(LAYERS, VALUES // LAYERS)
    with Engine() as engine:
        checked = median(
            lambda: check(profile, packs, macros={"owner": "platform"}, engine=engine.fill)
        )
    print(f"check of {LAYERS} layers with {VALUES / 1000:.0f} kB of values: {checked:.1f} ms")
    rows, chosen = catalog(PACKS)
    offered = median(lambda: options(rows, chosen, Layer.ADDON, "edge-native"))
    print(f"options of a layer over {PACKS:,} packs: {offered:.1f} ms")


def median(work: Callable[[], object]) -> float:
    """Milliseconds."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


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


def catalog(packs: int) -> tuple[list[Candidate], list[Candidate]]:
    """Rows of one layer, ten versions of each pack, a third with constraints; and chosen packs."""
    needs = Dependency(pack_name="kubernetes", layer="k8s", min_version="1.28", type="required")
    rows = [
        Candidate(
            name=f"pack-{number // 10}",
            version=(version := f"{number % 10}.{number % 7}.0"),
            tag=version,
            layer="addon",
            order=sort_key(version),
            display_name=f"Pack {number // 10}",
            clouds=("all",) if number % 4 else ("aws", "edge-native"),
            dependencies=(needs,) if not number % 3 else (),
        )
        for number in range(packs)
    ]
    kubernetes = Candidate("kubernetes", "1.27.3", "1.27.3", "k8s", sort_key("1.27.3"))
    return rows, [Candidate("ubuntu", "24.4", "24.4", "os", sort_key("24.4")), kubernetes]


if __name__ == "__main__":
    main()
