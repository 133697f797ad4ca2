"""Logins: the file `<home>/config.json`, and the files of other programs that are read too.

    {"auths": {"host:port": {"auth": "<base64 of user:password>", "insecure": true}},
     "defaultRegistry": "host:port"}

Written by us alone: mode 0600, replaced whole, keys that we do not know kept. Read, in this order:
our file, `~/.spectro/config.json` of the same form, and for `oci://` targets the `auths` of
Docker's `config.json` (its credential helpers are not asked).
"""

from __future__ import annotations

import json
import os
import tempfile
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from packyard.errors import ConfigurationInvalid
from packyard.remotes.challenge import Credentials

FILE = "config.json"
_MEND = "Mend it, or move it away and log in again."


@dataclass(frozen=True, slots=True)
class Account:
    """A login at a server; `insecure`: plain HTTP, or TLS that is not verified."""

    credentials: Credentials | None
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class Accounts:
    """What one file holds; `rest` are the keys that are none of ours."""

    path: Path
    auths: Mapping[str, Mapping[str, object]]
    default: str
    rest: Mapping[str, object]

    @classmethod
    def read(cls, path: Path) -> Accounts:
        """An absent file holds nothing. Raise `ConfigurationInvalid` for one that is broken."""
        try:
            data = json.loads(path.read_bytes() or b"{}")
        except FileNotFoundError:
            data = {}
        except (ValueError, RecursionError) as error:
            raise ConfigurationInvalid(f"{path} is not JSON: {error}. {_MEND}") from None
        if not isinstance(data, dict):
            raise ConfigurationInvalid(f"{path} has to hold a JSON object. {_MEND}")
        auths = {} if data.get("auths") is None else data["auths"]
        if not isinstance(auths, dict) or not all(isinstance(v, dict) for v in auths.values()):
            raise ConfigurationInvalid(f'{path}: "auths" has to be an object of objects. {_MEND}')
        default = data.get("defaultRegistry")
        rest = {
            key: value for key, value in data.items() if key not in ("auths", "defaultRegistry")
        }
        return cls(path, auths, default if isinstance(default, str) else "", rest)

    def account(self, host: str) -> Account | None:
        """The login at `host` (`host[:port]`), however its key is written."""
        for key, entry in self.auths.items():
            if bare(key) == host:
                return Account(self._credentials(key, entry), entry.get("insecure") is True)
        return None

    def with_login(self, host: str, account: Account, *, default: bool) -> Accounts:
        """With a login, which becomes the default one where asked for or where there is none."""
        entry: dict[str, object] = {}
        if account.credentials:
            pair = f"{account.credentials.username}:{account.credentials.password}"
            entry["auth"] = b64encode(pair.encode()).decode("ascii")
        if account.insecure:
            entry["insecure"] = True
        auths = {**self._others(host), host: entry}
        return replace(self, auths=auths, default=host if default else self.default or host)

    def without_login(self, host: str) -> Accounts:
        default = "" if bare(self.default) == host else self.default
        return replace(self, auths=self._others(host), default=default)

    def write(self) -> None:
        """Replace the file whole, readable by its owner alone."""
        data: dict[str, object] = {**self.rest, "auths": self.auths}
        if self.default:
            data["defaultRegistry"] = self.default
        target = self.path.resolve()
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{FILE}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as out:
                json.dump(data, out, indent=2)
                out.write("\n")
                out.flush()
                os.fsync(out.fileno())
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _others(self, host: str) -> dict[str, Mapping[str, object]]:
        return {key: entry for key, entry in self.auths.items() if bare(key) != host}

    def _credentials(self, key: str, entry: Mapping[str, object]) -> Credentials | None:
        auth = entry.get("auth")
        if not auth:
            return None
        try:
            name, colon, password = b64decode(str(auth), validate=True).decode().partition(":")
        except (NotBase64, ValueError):
            colon = ""
        if not colon:
            raise ConfigurationInvalid(
                f'{self.path}: "auth" of {key} is not the base64 of user:password. Log in again.'
            )
        return Credentials(name, password)


def bare(server: str) -> str:
    """`host[:port]` of a key or default as people and programs write it."""
    rest = server.partition("://")[2] or server
    return rest.partition("/")[0].lower()


def user_folder() -> Path:
    """That of the user who runs this; where there is none, as for one that systemd made for a
    service, one in which nothing is."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/nonexistent")


def default_home() -> Path:
    return user_folder() / ".packyard"


def own(home: Path) -> Accounts:
    return Accounts.read(home / FILE)


def spectro() -> Accounts:
    """The logins of the pack CLI whose words we speak."""
    return Accounts.read(user_folder() / ".spectro" / FILE)


def docker() -> Accounts:
    folder = os.environ.get("DOCKER_CONFIG")
    return Accounts.read((Path(folder) if folder else user_folder() / ".docker") / FILE)
