"""Reading the configuration: every fault at once, with its line and the nearest known key.

The file's keys and those of the environment are read into `model`; a variable is laid over the
key it names (`log.level` is `REGISTRY_LOG_LEVEL` or `PACKYARD_LOG_LEVEL`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from packyard.config.environment import INITIAL_PASSWORD, Environment
from packyard.config.keys import Path as KeyPath
from packyard.config.model import Config, Keys
from packyard.config.reader import Reader, composed
from packyard.errors import ConfigurationInvalid

PLACES = (Path("/etc/packyard/config.yml"), Path("/etc/spectro/config.yml"))

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_AT_LEAST_A_SECOND: tuple[KeyPath, ...] = (
    ("http", "timeouts", "idle"),
    ("gc", "interval"),
    ("storage", "maintenance", "uploadpurging", "interval"),
)


def load(path: Path | None, environ: Mapping[str, str]) -> Config:
    """Read the file at `path`, or the first of `PLACES` that is there, or only the environment.

    Raises `ConfigurationInvalid` with all that is wrong.
    """
    source = path or next((place for place in PLACES if place.is_file()), None)
    environment = Environment.of(environ)
    reader = Reader(environment)
    reader.faults += environment.faults
    root = _compose(source) if source else None
    keys: Keys = reader.section(Keys, root, ())
    _check(keys, reader)
    if reader.faults:
        raise ConfigurationInvalid(_sentence(source, reader.faults))
    return Config(
        **{name: getattr(keys, name) for name in Keys.__dataclass_fields__},
        source=source,
        warnings=(*reader.warnings, *environment.warnings),
        initial_password=environ.get(INITIAL_PASSWORD) or None,
    )


def _compose(source: Path) -> yaml.Node | None:
    try:
        return composed(source.read_bytes())
    except OSError as error:
        raise ConfigurationInvalid(
            f"The configuration {source} cannot be read: {error.strerror}."
        ) from error
    except yaml.YAMLError as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        where = f", line {mark.line + 1}" if mark else ""
        problem = error.problem if isinstance(error, yaml.MarkedYAMLError) else error
        raise ConfigurationInvalid(
            f"The configuration {source} is not YAML{where}: {problem}."
        ) from error


def _sentence(source: Path | None, faults: list[str]) -> str:
    what = f"The configuration {source}" if source else "The configuration from the environment"
    return "\n  ".join([f"{what} cannot be used:", *faults])


def _check(keys: Keys, reader: Reader) -> None:
    """Faults of keys that do not fit together, or are out of bounds."""
    _check_choices(reader)
    _check_tls(reader)
    for path in _AT_LEAST_A_SECOND:
        value: object = keys
        for name in path:
            value = getattr(value, name)
        if isinstance(value, timedelta) and value < timedelta(seconds=1):
            reader.fault(path, "must be one second or more")
    host = keys.http.host
    if host and not _is_root_url(host):
        reader.fault(
            ("http", "host"), f"must be a URL such as https://packs.example.com, not {host!r}"
        )
    for name, values in keys.http.headers.items():
        if not _HEADER.fullmatch(name) or any(not value.isprintable() for value in values):
            reader.fault(("http", "headers", name), "is no header that can be sent")
    if keys.secrets.keys and keys.secrets.keyfile:
        reader.fault(("secrets", "keyfile"), "means nothing beside secrets.keys", "choose one")
    if keys.storage.inmemory and keys.http.workers > 1:
        reader.warnings.append("storage.inmemory means one worker: http.workers has no effect")


def _check_choices(reader: Reader) -> None:
    drivers = [("storage", "filesystem"), ("storage", "inmemory")]
    given = [path for path in drivers if _given(reader, path)]
    if len(given) > 1 and ("storage",) not in reader.environment.variables:
        reader.fault(given[1], "stands beside storage.filesystem", "choose one of them")


def _check_tls(reader: Reader) -> None:
    tls = ("http", "tls")
    needs = {"key": "certificate", "certificate": "key", "clientcas": "certificate"}
    for name, needed in needs.items():
        if _given(reader, (*tls, name)) and not _given(reader, (*tls, needed)):
            reader.fault((*tls, name), f"needs http.tls.{needed} beside it")


def _given(reader: Reader, path: KeyPath) -> bool:
    return path in reader.origins or reader.environment.below(path)


def _is_root_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:
        return False
    plain = not (url.query or url.fragment or url.username or url.path.strip("/"))
    return url.scheme in ("http", "https") and bool(url.hostname) and plain
