"""The process in which Helm's engine runs: reads a job, answers it, waits for the next.

Before the first job it gives up what a chart could misuse. The memory that it can write to is
limited (`RLIMIT_DATA`: Go reserves address space far beyond what it uses, so a limit of that would
have to be too wide to protect anything). No further file or socket can be opened (`RLIMIT_NOFILE`),
so neither the host's files nor the network are in reach, by whatever path a chart gets the engine
to try; only while Helm's linter or verifier works on files of our own may it open some. And it ends
as soon as the writing end of its standard input is closed, so it never outlives its parent.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from packyard.charts.frames import LENGTH, unpack

_IN, _OUT = 0, 1
_STANDARD = 3
_OPEN_FILES = 256
_SWOLLEN = 512 * 1024**2  # bytes of resident memory after which a new process is cheaper
_NICE = 5
UNUSABLE = 3
"""The status of a process that cannot work here; the last line it wrote says why."""


def main(*, memory: int, idle: float) -> None:
    """Answer frames from standard input on standard output until there are no more."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.nice(_NICE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        from packyard.charts import jobs  # noqa: PLC0415 - loads the SDK, after the watch is set
    except Exception as error:  # noqa: BLE001 - whatever the loader raises, people must be told
        print(f"Helm's engine cannot be loaded: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(UNUSABLE)
    jobs.warm_up()
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    # Of the peak that the system reports, part is our parent's, which we were forked from.
    pages = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    _open_no_more()
    while select.select([_IN], [], [], idle)[0]:
        head, parts = unpack(_read_frame())
        answer = jobs.answer(head, parts, files_allowed)
        _write(answer)
        if int(os.pread(pages, 200, 0).split()[1]) * resource.getpagesize() > _SWOLLEN:
            break
    _leave()


@contextlib.contextmanager
def files_allowed() -> Iterator[Path]:
    """Files may be opened; yields an empty folder of the process's own."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(_OPEN_FILES, most), most))
    folder = Path.cwd() / "files"
    try:
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _open_no_more()


def _open_no_more() -> None:
    """The soft limit only: a chart cannot raise it, and we have to for Helm's linter."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_STANDARD, most))


def _read_frame() -> bytes:
    (size,) = LENGTH.unpack(_read(LENGTH.size))
    return _read(size)


def _read(size: int) -> bytes:
    parts = []
    while size:
        part = os.read(_IN, min(size, 1024 * 1024))
        if not part:
            _leave()
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write(data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(_OUT, rest) :]


def _end_with_parent() -> None:
    """Wait until nobody can write to our standard input any more, whatever the engine does."""
    poll = select.poll()
    poll.register(_IN, 0)
    poll.poll()
    _leave()


def _leave() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    shutil.rmtree(Path.cwd(), ignore_errors=True)
    os._exit(0)
