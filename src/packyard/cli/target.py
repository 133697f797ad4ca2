"""The registry that a command works with: which server, whose login, where its packs stand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from packyard.cli import accounts
from packyard.cli.accounts import Account
from packyard.digests import Digest, parse_digest
from packyard.errors import ParameterInvalid
from packyard.packs.artifact import repository
from packyard.packs.model import PackName, parse_pack_name
from packyard.packs.tags import tag_of
from packyard.references import Tag
from packyard.remotes.address import Address, parse_address
from packyard.remotes.client import Client
from packyard.remotes.oci import Repository
from packyard.remotes.trust import CERTIFICATES


@dataclass(frozen=True, slots=True)
class Target:
    address: Address
    client: Client

    def pack(self, name: str) -> Repository:
        """The repository of a pack; raise `NameInvalid` where `name` is not one."""
        return Repository(self.client, repository(parse_pack_name(name), self.address.base))


@contextmanager
def open_target(server: str, home: Path) -> Iterator[Target]:
    """The registry named on the command line, "" for that of the default login."""
    address = parse_address(server or default_server(home, "--registry-server"))
    account = account_of(address, home)
    with open_client(address, account, home) as client:
        yield Target(address, client)


def open_client(address: Address, account: Account, home: Path) -> Client:
    return Client(
        address,
        account.credentials,
        insecure=account.insecure,
        certificates=(home / "certs.d", *CERTIFICATES),
    )


def split_pack(text: str) -> tuple[PackName, Tag | Digest | None]:
    """`NAME[:TAG][@DIGEST]` in its parts; a digest counts more than a tag beside it.

    A version may be written as pack.json spells it, with `+`.
    """
    before, _, digest = text.partition("@")
    name, _, tag = before.partition(":")
    reference = parse_digest(digest) if digest else tag_of("", tag) if tag else None
    return parse_pack_name(name), reference


def split_tagged(text: str) -> tuple[PackName, Tag]:
    """`PACK:TAG` in its parts; raise `ParameterInvalid` where there is no tag."""
    name, colon, tag = text.partition(":")
    if not colon:
        raise ParameterInvalid(f"{text!r} names no tag: write {text}:TAG.")
    return parse_pack_name(name), tag_of("", tag)


def account_of(address: Address, home: Path) -> Account:
    """The login at a server; for `oci://` addresses also that of Docker. None is no login."""
    found = accounts.own(home).account(address.host) or accounts.spectro().account(address.host)
    if found is None and address.oci:
        found = accounts.docker().account(address.host)
    return found or Account(None)


def default_server(home: Path, option: str) -> str:
    """That of the default login; raise `ParameterInvalid`, naming the option, for none."""
    server = accounts.own(home).default or accounts.spectro().default
    if not server:
        raise ParameterInvalid(
            "There is no server to work with: log in with `packyard registry login SERVER`, or "
            f"name one with {option}."
        )
    return server
