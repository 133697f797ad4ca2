"""Asking the server of this machine whether it can serve: for supervisors that have no client.

It is asked at the address that its configuration names, over the loopback where that is every
interface. Its certificate is not verified: whoever could stand in for it is on this machine.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from pathlib import Path

from packyard.config import Config, load
from packyard.errors import ConfigurationInvalid, Unavailable

_SECONDS = 5.0
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared
_PROC = Path("/proc")


def check_health(config_path: Path | None, environ: Mapping[str, str]) -> None:
    """Return when the server is ready; raises `Unavailable` with the reason when it is not."""
    config = load(config_path, environ)
    connection = _connection(config)
    try:
        connection.connect()
        if config.http.tls.clientcas:
            return  # it took the connection, and shows no more to who has no certificate
        connection.request("GET", "/ready", headers={"user-agent": "packyard-health"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        reason = str(error) or type(error).__name__
        raise Unavailable(f"{config.http.addr} does not answer: {reason}") from error
    finally:
        connection.close()
    if status != 200:
        raise Unavailable(f"{config.http.addr} is not ready: it answers {status} to GET /ready.")


def started_as(process: int) -> tuple[Path | None, dict[str, str]]:
    """The configuration file and the environment with which that process serves."""
    try:
        words = _texts(process, "cmdline")
        environ = dict(text.partition("=")[::2] for text in _texts(process, "environ"))
    except OSError as error:
        raise Unavailable(f"The process {process} cannot be seen: {error.strerror}.") from error
    if "serve" not in words:
        raise Unavailable(f"The process {process} is no server of ours.")
    named = [word for word in words[words.index("serve") + 1 :] if not word.startswith("-")]
    folder = _PROC / str(process) / "cwd"
    return (folder / named[0] if named else None), environ


def _texts(process: int, name: str) -> list[str]:
    data = (_PROC / str(process) / name).read_bytes()
    return [text.decode(errors="surrogateescape") for text in data.split(b"\0") if text]


def _connection(config: Config) -> http.client.HTTPConnection:
    address = config.http.addr
    if address.port == 0:
        raise ConfigurationInvalid("http.addr has port 0: nobody knows which one the server took.")
    host = _EVERYWHERE.get(address.host, address.host)
    if not config.http.tls.certificate:
        return http.client.HTTPConnection(host, address.port, timeout=_SECONDS)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, address.port, timeout=_SECONDS, context=context)
