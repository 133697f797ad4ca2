"""The hub that a command works with: which server, whose login, in which project."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from packyard.errors import ParameterInvalid, Unauthenticated
from packyard.remotes.items import PROJECT, Item, uid_of

if TYPE_CHECKING:
    from packyard.remotes.hub import Hub

PROJECTS = "/v1/dashboard/projects/metadata"


@contextmanager
def open_hub(server: str, home: Path, project: str = "") -> Iterator[Hub]:
    """The hub named on the command line, "" for that of the default login; in the project of that
    name or uid, "" for the tenant."""
    from packyard.cli.target import account_of, default_server, open_client
    from packyard.remotes.address import parse_address
    from packyard.remotes.hub import Hub

    address = parse_address(server or default_server(home, "--hub"))
    if address.oci:
        raise ParameterInvalid(f"A hub is a Packyard: write {address.host} in place of {address}.")
    account = account_of(address, home)
    if account.credentials is None:
        raise Unauthenticated(f"There is no login at {address.host}.", host=address.host)
    with open_client(address, account, home) as client:
        hub = Hub(client)
        try:
            yield hub.within(uid_of(find_project(hub, project))) if project else hub
        except Unauthenticated as error:
            who = account.credentials.username
            said = f"The stored login of {who} is not accepted: {error.message}"
            raise Unauthenticated(said, host=address.host) from error


def find_project(hub: Hub, project: str) -> Item:
    """The project of that name or uid, as `{"metadata": {"name", "uid"}}`."""
    return hub.named(PROJECTS, PROJECT, project)
