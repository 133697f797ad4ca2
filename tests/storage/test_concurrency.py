"""Several processes on one folder: collection beside pushes and deletes, kill -9 at any time."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from packyard.digests import Digest, digest_of, parse_digest
from packyard.storage.gc import collect
from packyard.storage.store import Store
from tests.storage.examples import REPO

# Pushes images that share blobs, deletes some, collects with no grace and empties the trash late.
WORK = """
import random, sys, time
from datetime import timedelta
from pathlib import Path
from packyard.digests import digest_of
from packyard.errors import ManifestBlobUnknown, ManifestUnknown, RepositoryUnknown, Unavailable
from packyard.references import parse_tag
from packyard.storage.content import Manifest
from packyard.storage.gc import collect
from packyard.storage.store import Store
from tests.storage.examples import REPO, push

root, seed, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
chance = random.Random(seed)
store = Store.open(root)
end = time.monotonic() + seconds


def image():
    parts = [b"%d " % chance.randrange(12) * chance.choice([10, 20000]) for _ in range(3)]
    digests = [push(store, part) for part in parts]
    content = b"image %d" % chance.randrange(10**9)
    with store.write() as transaction:
        if transaction.missing(REPO, digests):
            return  # collected between push and commit, as grace 0 allows
        manifest = Manifest(digest_of(content), "text/plain", content)
        transaction.put_manifest(REPO, manifest, digests)
        transaction.set_tag(REPO, parse_tag(f"{seed}.{chance.randrange(20)}"), manifest.digest)
    print(manifest.digest, *digests, flush=True)


def delete():
    digest = store.manifest(REPO, parse_tag(f"{seed}.{chance.randrange(20)}")).digest
    print("-", digest, flush=True)
    with store.write() as transaction:
        transaction.delete_manifest(REPO, digest)


while time.monotonic() < end:
    what = chance.choices([image, delete, "collect"], [6, 2, 1])[0]
    try:
        if what == "collect":
            untagged = chance.random() < 0.3
            collect(store, grace=timedelta(0), trash_age=timedelta(seconds=0.2), untagged=untagged)
        else:
            what()
    except (ManifestUnknown, RepositoryUnknown, Unavailable):
        pass
store.close()
"""

# Pushes until it is killed; says what it was told is stored.
PUSH = """
import random, sys
from datetime import timedelta
from pathlib import Path
from packyard.digests import digest_of
from packyard.references import parse_tag
from packyard.storage.content import Manifest
from packyard.storage.gc import collect
from packyard.storage.store import Store
from tests.storage.examples import REPO, push

store = Store.open(Path(sys.argv[1]))
store.migrate()
chance = random.Random(int(sys.argv[2]))
print("ready", flush=True)
while True:
    data = chance.randbytes(chance.choice([100, 20_000, 300_000]))
    upload = store.uploads.begin(REPO)
    with store.uploads.append(REPO, upload) as writer:
        writer.write(data[:1000])
        writer.write(data[1000:])
    blob = store.uploads.finish(REPO, upload, digest_of(data))
    content = b"image of " + blob.digest.encode()
    with store.write() as transaction:
        transaction.put_manifest(
            REPO, Manifest(digest_of(content), "text/plain", content), [blob.digest]
        )
        transaction.set_tag(REPO, parse_tag("latest"), digest_of(content))
    print(digest_of(content), blob.digest, flush=True)
    if chance.random() < 0.1:
        collect(store)
"""


def run(
    script: str, *arguments: object, stdout: IO[str] | int = subprocess.PIPE
) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=stdout, text=True)


def test_collection_beside_pushes_and_deletes_loses_nothing(disk: Store, tmp_path: Path) -> None:
    data = tmp_path / "data"
    processes = [run(WORK, data, seed, 4) for seed in range(3)]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]

    pushed = sum(not line.startswith("-") for output in outputs for line in output.splitlines())
    assert pushed > 20, "enough happened"
    assert len(list(every_body_is_whole(disk))) > 0
    collect(disk)
    list(every_body_is_whole(disk))


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - reproducible, not secret
    acknowledged: list[tuple[Digest, Digest]] = []
    for number in range(8):
        process = run(PUSH, tmp_path, number)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.05, 0.4))
        process.kill()
        rest, _ = process.communicate(timeout=30)
        for line in rest.splitlines(keepends=True):
            if line.endswith("\n"):
                manifest, blob = line.split()
                acknowledged.append((parse_digest(manifest), parse_digest(blob)))

        store = Store.open(tmp_path)
        for manifest, blob in acknowledged:
            assert digest_of(store.manifest(REPO, manifest).content) == manifest
            with store.open_blob(store.blob(REPO, blob).digest) as body:
                assert digest_of(body.read()) == blob
        list(every_body_is_whole(store))
        collect(store)
        store.close()
    assert len(acknowledged) > 8, "enough happened"


def every_body_is_whole(store: Store) -> Iterator[Digest]:
    """Read every blob that has a row, and every one that a manifest refers to."""
    with store.read() as connection:
        rows = set(connection.exec_driver_sql("SELECT digest FROM blobs").scalars())
        referred = set(connection.exec_driver_sql("SELECT digest FROM manifest_refs").scalars())
    assert referred <= rows
    for digest in map(parse_digest, sorted(rows)):
        with store.open_blob(digest) as body:
            assert digest_of(body.read()) == digest
        yield digest
