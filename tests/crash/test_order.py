"""The order of system calls of a push, at the whole server: durable first, then the answer."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.live import Live, start
from tests.wire import packs
from tests.wire.oci import Repo, digest, random_bytes

pytestmark = pytest.mark.clients("strace")

CALLS = (
    "openat,write,writev,pwrite64,sendto,sendmsg,fsync,fdatasync,rename,renameat,renameat2,linkat"
)


@dataclass(frozen=True, slots=True)
class Call:
    """One system call; `began` and `ended` are the lines of the trace where it did."""

    name: str
    text: str
    began: int
    ended: int


def read_trace(path: Path) -> list[Call]:
    """The calls of all threads; one that was interrupted in the trace is put together."""
    calls: list[Call] = []
    pending: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(path.read_text(errors="replace").splitlines()):
        thread, _, text = line.partition(" ")
        text = text.strip()
        if text.endswith("<unfinished ...>"):
            pending[thread] = number, text.removesuffix("<unfinished ...>")
            continue
        began = number
        if resumed := re.match(r"<\.\.\. \w+ resumed>(.*)", text):
            began, head = pending.pop(thread, (number, ""))
            text = head + resumed[1]
        if name := re.match(r"(\w+)\(", text):
            calls.append(Call(name[1], text, began, number))
    return calls


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with start(tmp_path_factory.mktemp("order"), workers=1) as live:
        yield live


@contextmanager
def traced(live: Live, path: Path) -> Iterator[None]:
    """Watch the server's processes, all threads of them."""
    pids = [word for pid in [live.process.pid, *live.workers()] for word in ("-p", str(pid))]
    words = ["strace", "-f", "-y", "-s", "200", "-e", f"trace={CALLS}", "-o", str(path), *pids]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr is not None
        heard = strace.stderr.readline()
        if "attached" not in heard:
            strace.kill()
            pytest.skip(f"cannot trace here: {heard.strip()}")
        time.sleep(0.5)
        try:
            yield
            time.sleep(0.3)
        finally:
            strace.terminate()


def answer_of(calls: list[Call], status: int = 201) -> Call:
    """The last answer of that status that went out on a socket."""
    sent = [c for c in calls if "socket:[" in c.text and f"HTTP/1.1 {status}" in c.text]
    assert sent, "no answer in the trace"
    return sent[-1]


def before(calls: list[Call], limit: int, *names: str, text: str) -> list[Call]:
    """Calls of those names, about `text`, that ended before the line `limit`."""
    return [c for c in calls if c.name in names and re.search(text, c.text) and c.ended < limit]


def test_a_blob_is_flushed_named_flushed_and_committed_before_the_answer(
    live: Live, tmp_path: Path
) -> None:
    auth = ("admin", live.admin_password)
    data = random_bytes(700_000)
    of = digest(data)
    hexadecimal = of.partition(":")[2]
    with httpx.Client(base_url=live.url, auth=auth, timeout=60) as client:
        repo = Repo(client)
        location = repo.location()
        with traced(live, tmp_path / "trace"):
            assert repo.close(location, of, data).status_code == 201
    calls = read_trace(tmp_path / "trace")
    answer = answer_of(calls)
    (rename,) = before(calls, answer.began, "rename", "renameat", "renameat2", text=hexadecimal)
    source, target = re.findall(r'"([^"]+)"', rename.text)
    name = re.escape(Path(source).name)
    writes = before(calls, rename.began, "write", "pwrite64", "writev", text=name)
    assert writes, "the bytes were written to the file that got the name"
    flushes = before(calls, rename.began, "fsync", "fdatasync", text=name)
    assert flushes, "the file is flushed before it gets its name"
    assert max(w.ended for w in writes) < max(f.began for f in flushes)
    folder = re.escape(str(Path(target).parent)) + r"/?>"
    entries = before(calls, answer.began, "fsync", "fdatasync", text=folder)
    entries = [call for call in entries if call.began > rename.ended]
    assert entries, "the folder is flushed after the rename"
    commits = before(calls, answer.began, "fsync", "fdatasync", text=r"-wal>|-journal>|\.db>")
    commits = [call for call in commits if call.began > entries[0].ended]
    assert commits, "the commit is flushed after the folder and before the answer"


@pytest.mark.parametrize("what", ["small blob", "manifest", "pack", "tag deleted"])
def test_a_commit_is_flushed_before_the_answer(live: Live, tmp_path: Path, what: str) -> None:
    auth = ("admin", live.admin_password)
    with httpx.Client(base_url=live.url, auth=auth, timeout=60) as client:
        repo = Repo(client)
        image = repo.image()
        repo.store(image, "old")
        home = Repo(client, f"{packs.HOME}/order")
        layer = packs.archive(packs.files("order", "1.0.0"))
        pack = packs.content(home, layer, "order")
        small = random_bytes(100)
        location = repo.location()
        with traced(live, tmp_path / "trace"):
            if what == "small blob":
                status = repo.close(location, digest(small), small).status_code
            elif what == "manifest":
                status = repo.put("v1", image).status_code
            elif what == "pack":
                status = home.put("1.0.0", pack).status_code
            else:
                status = repo.delete("old").status_code
    expected = 202 if what == "tag deleted" else 201
    assert status == expected
    calls = read_trace(tmp_path / "trace")
    answer = answer_of(calls, expected)
    commits = before(calls, answer.began, "fsync", "fdatasync", text=r"-wal>|-journal>|\.db>")
    assert commits, "committed and flushed before the answer"
    assert len(commits) <= 2, "one commit for one pushed object"


def test_a_step_of_an_upload_commits_nothing(live: Live, tmp_path: Path) -> None:
    auth = ("admin", live.admin_password)
    with httpx.Client(base_url=live.url, auth=auth, timeout=60) as client:
        repo = Repo(client)
        repo.push(b"so that the repository exists")
        with traced(live, tmp_path / "trace"):
            location = repo.location()
            assert repo.patch(location, random_bytes(100_000)).status_code == 202
    calls = read_trace(tmp_path / "trace")
    answer_of(calls, 202)
    assert not [c for c in calls if c.name in ("fsync", "fdatasync") and "-wal>" in c.text]
