"""Starting the server and keeping it up.

In order: the configuration and everything it names is checked; a child process brings the tables
up to date, makes the first admin and loads the starter packs; then workers answer requests and one
process works in the background (design.md, "Processes"). The main process opens no database and
starts no thread before its workers fork.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path

from starlette.types import ASGIApp

from packyard import __version__
from packyard.auth import passwords, users
from packyard.config import Config, load
from packyard.config.kinds import Address
from packyard.config.model import Filesystem
from packyard.errors import ConfigurationInvalid
from packyard.server import address, app, background, logs, metrics, starter
from packyard.server.folder import open_secrets, open_store
from packyard.server.processes import end_by, end_with, forking, in_child
from packyard.server.tls import Certificates
from packyard.server.workers import Workers
from packyard.storage.store import Store

_log = logging.getLogger(__name__)

_BACKGROUND_PAUSE = 5.0  # seconds before the background process is started again
_DEFAULT_WORKERS = 2


def serve(config_path: Path | None, environ: Mapping[str, str]) -> int:
    """Run until told to end; the exit status. Raises `ConfigurationInvalid` before that."""
    multiprocessing.set_start_method("fork", force=True)
    end_by(signal.SIGTERM)
    os.umask(0o077)
    config = load(config_path, environ)
    logs.configure(config.log)
    for warning in config.warnings:
        _log.warning(warning)
    with tempfile.TemporaryDirectory(prefix="packyard-") as private:
        certificates = Certificates(config.http.tls, Path(private))
        listening = check(config, certificates)
        if config.storage.root is None:
            return _serve_from_memory(config, certificates, listening)
        return _serve_from_disk(config, certificates, listening, Path(private))


def _serve_from_disk(
    config: Config, certificates: Certificates, listening: Address, private: Path
) -> int:
    _greet(config, listening, in_child(prepare_folder, config))
    metrics.share(private)
    beside = Background(config)
    workers = _workers(
        config,
        certificates,
        listening,
        workers=config.http.workers or min(os.cpu_count() or 1, _DEFAULT_WORKERS),
        look=beside.keep_up,
        buried=lambda pid: metrics.bury(private, pid),
    )
    try:
        return 0 if workers.run() else 1
    finally:
        beside.stop()


def _serve_from_memory(config: Config, certificates: Certificates, listening: Address) -> int:
    """One worker holds everything; the password is the same when that worker is replaced."""
    generated = None
    if config.auth.htpasswd is None and config.initial_password is None:
        generated = passwords.generate()
        config = replace(config, initial_password=generated)
    _greet(config, listening, generated)
    workers = _workers(
        config, certificates, listening, workers=1, look=lambda: None, buried=lambda _: None
    )
    return 0 if workers.run() else 1


def _workers(
    config: Config,
    certificates: Certificates,
    listening: Address,
    *,
    workers: int,
    look: Callable[[], None],
    buried: Callable[[int], None],
) -> Workers:
    return Workers(
        lambda: load_worker(config),
        address=listening,
        workers=workers,
        certificates=certificates,
        idle=config.http.timeouts.idle.total_seconds(),
        draining=round(config.http.draintimeout.total_seconds()),
        debug=config.log.level == "debug",
        look=look,
        buried=buried,
    )


def check(config: Config, certificates: Certificates) -> Address:
    """Where to listen; raises `ConfigurationInvalid` with all that keeps the server from it."""
    faults = certificates.faults()
    htpasswd = config.auth.htpasswd
    if htpasswd and not htpasswd.path.exists():
        faults.append(
            f"auth.htpasswd.path: {htpasswd.path} cannot be read: it is not there; make it with "
            f"`htpasswd -Bc {htpasswd.path} admin`"
        )
    elif htpasswd and not os.access(htpasswd.path, os.R_OK):
        faults.append(
            f"auth.htpasswd.path: {htpasswd.path} cannot be read by the user {os.getuid()}, as "
            "whom the server runs"
        )
    oidc = config.auth.oidc
    if oidc and oidc.ca and not os.access(oidc.ca, os.R_OK):
        faults.append(f"auth.oidc.ca: {oidc.ca} cannot be read")
    listening = config.http.addr
    try:
        listening = address.resolve(config.http.addr)
    except OSError as error:
        faults.append(f"http.addr: {error}")
    if faults:
        raise ConfigurationInvalid("\n  ".join(["The server cannot start:", *faults]))
    return listening


def prepare_folder(config: Config) -> str | None:
    """Bring the data folder to where workers can begin; the admin's password if generated now."""
    store = open_store(config)
    try:
        return prepare(config, store)
    finally:
        store.close()


def prepare(config: Config, store: Store) -> str | None:
    """Tables, the key of the secrets, at the first start the starter packs, and the first admin
    where one is needed."""
    store.migrate()
    if config.storage.root is not None:
        open_secrets(config).prepare(store)
    if config.starterpacks.enabled and not starter.loaded(store):
        starter.load_starter(store, app.build(config, store).registry, _show_progress)
    if config.auth.htpasswd is None or config.initial_password:
        return users.ensure_admin(store, config.initial_password)
    return None


def load_worker(config: Config) -> ASGIApp:
    """The application, in a worker's own process."""
    store = open_store(config)
    if config.storage.root is None:
        prepare(config, store)
    parts = app.build(config, store)
    if config.storage.root is None:
        parts.secrets.prepare(store)
        threading.Thread(
            target=background.run, args=(parts, config, threading.Event()), daemon=True
        ).start()
    return app.asgi(config, parts)


class Background:
    """The background process; started by the first look, and again when it is gone."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._process: BaseProcess | None = None
        self._started = -_BACKGROUND_PAUSE

    def keep_up(self) -> None:
        if self._process and self._process.is_alive():
            return
        if time.monotonic() - self._started >= _BACKGROUND_PAUSE:
            self._started = time.monotonic()
            self._process = multiprocessing.Process(
                target=_run_background, args=(self._config, os.getpid()), name="background"
            )
            with forking():
                self._process.start()

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.join()


def _run_background(config: Config, parent: int) -> None:
    end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the main process tells us
    store = open_store(config)
    background.run(app.build(config, store), config, threading.Event())


def _greet(config: Config, listening: Address, password: str | None) -> None:
    """Tell the person at the terminal where the server is, and how to get in."""
    scheme = "https" if config.http.tls.certificate else "http"
    url = config.http.host or f"{scheme}://{address.shown(listening)}"
    lines = [f"Packyard {__version__} listens on {url}"]
    if password:
        lines += [f"Sign in as {users.ADMIN} with the password {password}", _how_to_reset(config)]
    print("\n".join(lines), flush=True)  # noqa: T201 - standard output is for this, logs go beside


def _how_to_reset(config: Config) -> str:
    root = config.storage.root
    if root is None:
        return "It is shown only now; the next start makes another one."
    command = f"packyard user reset-password {users.ADMIN}"
    if config.source:
        command += f" --config {config.source}"
    elif root != Filesystem().rootdirectory:
        command = f"PACKYARD_STORAGE_FILESYSTEM_ROOTDIRECTORY={root} {command}"
    return f"It is shown only now. A new one is made by: {command}"


def _show_progress(name: str, number: int, total: int) -> None:
    print(f"Loading starter packs ({number}/{total}): {name}", file=sys.stderr, flush=True)  # noqa: T201
