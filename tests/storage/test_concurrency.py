"""Several processes on one folder: collection beside pushes and deletes, kill -9 at any time."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from packyard.digests import Digest, digest_of, parse_digest
from packyard.storage.gc import collect
from packyard.storage.store import Store
from tests.storage.examples import REPO

# Pushes images that share few blobs and deletes them; collects with no grace, all the time.
WORK = """
import random, sys, time
from datetime import timedelta
from pathlib import Path
from packyard.digests import digest_of
from packyard.errors import ManifestUnknown, RepositoryUnknown, Unavailable
from packyard.references import parse_tag
from packyard.storage.content import Manifest
from packyard.storage.gc import collect
from packyard.storage.store import Store
from tests.storage.examples import REPO, push

root, seed, role = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
chance = random.Random(seed)
store = Store.open(root)
print("ready", flush=True)
sys.stdin.readline()
end = time.monotonic() + 4


def push_image():
    parts = [b"%d " % chance.randrange(5) * chance.choice([10, 20000]) for _ in range(2)]
    digests = [push(store, part) for part in parts]
    content = b"image %d" % chance.randrange(10**9)
    manifest = Manifest(digest_of(content), "text/plain", content)
    with store.write() as transaction:
        if transaction.missing(REPO, digests):
            return  # collected between push and commit, as no grace allows
        transaction.put_manifest(REPO, manifest, digests)
        transaction.set_tag(REPO, parse_tag(f"{seed}.{chance.randrange(3)}"), manifest.digest)
    print("pushed", flush=True)
    for digest in digests:
        path = store.blob(REPO, digest).path
        assert path is None or path.exists(), "what an image needs is at its place"


def delete_image():
    digest = store.manifest(REPO, parse_tag(f"{seed}.{chance.randrange(3)}")).digest
    with store.write() as transaction:
        transaction.delete_manifest(REPO, digest)


def collect_all():
    collect(store, grace=timedelta(0), trash_age=timedelta(seconds=0.1), untagged=True)


while time.monotonic() < end:
    try:
        if role == "collect":
            collect_all()
        else:
            chance.choice([push_image, delete_image])()
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


def run(script: str, *arguments: object) -> subprocess.Popen[str]:
    """Start it, and wait until it says that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def test_collection_beside_pushes_and_deletes_loses_nothing(disk: Store, tmp_path: Path) -> None:
    roles = ["push", "push", "collect"]
    processes = [run(WORK, tmp_path / "data", seed, role) for seed, role in enumerate(roles)]
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sum(output.count("pushed") for output in outputs) > 20, "enough happened"
    check_every_blob(disk)
    collect(disk)
    check_every_blob(disk)


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - reproducible, not secret
    acknowledged: list[tuple[Digest, Digest]] = []
    for number in range(8):
        process = run(PUSH, tmp_path, number)
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
        check_every_blob(store)
        collect(store)
        store.close()
    assert len(acknowledged) > 8, "enough happened"


def check_every_blob(store: Store) -> None:
    """Whatever a manifest refers to has a row, and what has a row is whole."""
    with store.read() as connection:
        rows = set(connection.exec_driver_sql("SELECT digest FROM blobs").scalars())
        referred = set(connection.exec_driver_sql("SELECT digest FROM manifest_refs").scalars())
    assert referred <= rows
    for digest in map(parse_digest, rows):
        with store.open_blob(digest) as body:
            assert digest_of(body.read()) == digest
