"""The packs of a profile's layers: from folders on this machine, from registries, from charts.

A layer names its registry by a name that the profile explains, or by its address; without one, all
that the profile names are looked through in their order, else the default login's.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from packyard.cli import chart_source, listing
from packyard.cli.folders import read_pack
from packyard.cli.output import Row
from packyard.cli.target import Target, open_target
from packyard.errors import ContentRefused, NotFound, ParameterInvalid
from packyard.packs.files import Files
from packyard.packs.model import PACK_JSON, Pack, parse_pack_json
from packyard.profiles.chart import chart_as_pack
from packyard.profiles.content import Content, Missing, PackContent, resolved_tag
from packyard.profiles.model import PackType, ProfileLayer
from packyard.profiles.options import Candidate, candidate_of
from packyard.references import Tag
from packyard.remotes import pack as remote

_ARCHIVES = (".tar.gz", ".tgz")


class Registry(Protocol):
    """Where packs are read."""

    def names(self) -> Collection[str]:
        """Of all packs, as far as they can be listed."""

    def tags(self, name: str) -> Collection[str]:
        """Those of a pack; none where it is not there."""

    def read(self, name: str, tag: str) -> Files:
        """The files of the pack under one of its tags."""

    def candidates(self, layer: str) -> Iterable[Candidate]:
        """The packs of a layer, each version that can be looked into."""


class PackFolder:
    """A folder that holds packs, as folders or archives; or one that is a pack itself."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name

    def names(self) -> Collection[str]:
        return {name for name, _ in self._packs}

    def tags(self, name: str) -> Collection[str]:
        return [tag for of, tag in self._packs if of == name]

    def read(self, name: str, tag: str) -> Files:
        path, _ = self._packs[name, tag]
        return read_pack(path)

    def candidates(self, layer: str) -> Iterable[Candidate]:
        packs = (pack for _, pack in self._packs.values())
        return [candidate_of(pack, self._name) for pack in packs if pack.layer == layer]

    @cached_property
    def _packs(self) -> Mapping[tuple[str, str], tuple[Path, Pack]]:
        """By name and first tag; what is no pack is none of ours."""
        found: dict[tuple[str, str], tuple[Path, Pack]] = {}
        inside = self._path / PACK_JSON
        for path in [self._path] if inside.exists() else sorted(self._path.iterdir()):
            if pack := _pack_at(path):
                found.setdefault((str(pack.name), str(pack.label)), (path, pack))
        return found


class PackServer:
    """A registry of packs: a Packyard, or any OCI registry."""

    def __init__(self, target: Target, name: str) -> None:
        self._target = target
        self._name = name

    def names(self) -> Collection[str]:
        return {str(row["name"]) for row in self._rows}

    def tags(self, name: str) -> Collection[str]:
        try:
            return self._target.pack(name).tags()
        except NotFound:
            return ()

    def read(self, name: str, tag: str) -> Files:
        return remote.pull(self._target.pack(name), Tag(tag), watch=_unwatched).files

    def candidates(self, layer: str) -> Iterable[Candidate]:
        """Of an OCI registry only the newest version of each pack, for each has to be pulled."""
        wanted = [row for row in self._rows if row.get("layer", layer) == layer]
        if self._target.address.oci:
            newest: dict[str, str] = {}
            for row in wanted:
                newest.setdefault(str(row["name"]), str(row["tag"]))
            places = list(newest.items())
        else:
            places = [(str(row["name"]), str(row["tag"])) for row in wanted]
        with ThreadPoolExecutor(listing.PARALLEL) as pool:
            packs = [pack for pack in pool.map(self._pack, places) if pack and pack.layer == layer]
        return [candidate_of(pack, self._name) for pack in packs]

    @cached_property
    def _rows(self) -> list[Row]:
        return listing.list_packs(self._target, "", all_tags=False)

    def _pack(self, place: tuple[str, str]) -> Pack | None:
        name, tag = place
        if self._target.address.oci:
            data = self.read(name, tag)[PACK_JSON].data
        else:
            path = f"/v1/_packs/{name}/tags/{tag}/files/{PACK_JSON}"
            data = self._target.client.request("GET", path).body
        return parse_pack_json(data)[0]


class ProfilePacks:
    """What the layers of one profile hold. To be used as a context, for it keeps connections."""

    def __init__(
        self, folder: Path, registries: Mapping[str, str], instead: str, home: Path
    ) -> None:
        """`instead` is a folder or server from which all packs come, "" for those named."""
        self._folder = folder
        self._addresses = dict(registries)
        self._instead = instead
        self._home = home
        self._open: dict[str, Registry] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def held(self, layer: ProfileLayer) -> tuple[Content, Files | None]:
        """What the pack of a layer holds, and its files."""
        if layer.type is PackType.MANIFEST:
            return None, None
        if layer.chart:
            return chart_as_pack(self._chart(layer))
        registries = list(self._registries(layer.registry.name))
        for registry in registries:
            tag = resolved_tag(layer.tag, registry.tags(layer.pack)) if layer.tag else None
            if tag:
                files = registry.read(layer.pack, tag)
                return PackContent.of(files), files
        tags = [tag for registry in registries for tag in registry.tags(layer.pack)]
        names = () if tags else sorted({name for one in registries for name in one.names()})
        return Missing(names=tuple(names), tags=tuple(tags), registry=layer.registry.name), None

    def candidates(self, layer: str) -> list[Candidate]:
        """The packs of a layer in every registry that the profile names."""
        return [one for registry in self._registries("") for one in registry.candidates(layer)]

    def newest(self, name: str) -> tuple[str, str] | None:
        """The first registry that holds a pack, by name, and the tag of its newest version."""
        for label in self._labels(""):
            tags = self._registry(label).tags(name)
            newest = remote.newest(map(Tag, tags))
            if newest:
                return label, newest
        return None

    def _registries(self, name: str) -> Iterator[Registry]:
        return map(self._registry, self._labels(name))

    def _labels(self, name: str) -> list[str]:
        if self._instead:
            return [self._instead]
        return [name] if name else list(self._addresses) or [""]

    def _registry(self, label: str) -> Registry:
        if label not in self._open:
            address = label if self._instead else self._addresses.get(label, label)
            self._open[label] = self._opened(label, address)
        return self._open[label]

    def _opened(self, label: str, address: str) -> Registry:
        # the profile's folder may be yet to be made
        path = Path(os.path.normpath((Path() if self._instead else self._folder) / address))
        if address and "://" not in address and path.is_dir():
            return PackFolder(path, label)
        if address.startswith((".", "/", "~")):
            raise ParameterInvalid(f"The registry {label} is no folder: {path}.")
        return PackServer(self._stack.enter_context(open_target(address, self._home)), label)

    def _chart(self, layer: ProfileLayer) -> bytes:
        """A file or folder stands beside the profile."""
        named = layer.chart
        beside = self._folder / named
        if "://" not in named and beside.exists():
            named = str(beside)
        return chart_source.fetch(named, layer.tag, self._home)


def _pack_at(path: Path) -> Pack | None:
    """What pack.json says in a folder or an archive; None where there is no pack."""
    try:
        if path.is_dir():
            file = path / PACK_JSON
            return parse_pack_json(file.read_bytes())[0] if file.is_file() else None
        if not path.name.endswith(_ARCHIVES):
            return None
        files = read_pack(path)
        return parse_pack_json(files[PACK_JSON].data)[0] if PACK_JSON in files else None
    except (ContentRefused, OSError):
        return None


def _unwatched(_: int) -> None:
    """Nobody watches these come: there is one for each layer."""
