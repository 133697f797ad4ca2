"""A pack taken from a registry, with a bar of progress where a person watches."""

from __future__ import annotations

from pathlib import Path

from packyard.cli.progress import Transfers
from packyard.cli.target import open_target, split_pack
from packyard.errors import RepositoryUnknown
from packyard.remotes import pack as remote
from packyard.remotes.pack import PulledPack


def pull_pack(named: str, server: str, home: Path) -> PulledPack:
    """The pack `NAME[:TAG|@DIGEST]`, the newest version where neither is given."""
    name, reference = split_pack(named)
    with open_target(server, home) as target, Transfers("Pulling", 1) as transfers:
        repository = target.pack(name)
        reference = reference or remote.newest(repository.tags())
        if reference is None:
            raise RepositoryUnknown(f"{repository} holds no version of a pack.")
        with transfers.watched(named) as watch:
            return remote.pull(repository, reference, watch=watch)
