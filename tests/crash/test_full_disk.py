"""A device without room: pushes are refused in the protocol's form, reads go on, nothing breaks."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.live import Live, start
from tests.wire import packs
from tests.wire.oci import CODES, Repo, digest, random_bytes

SIZE = 24 * 1024 * 1024


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 24 MiB."""
    place = tmp_path / "device"
    place.mkdir()
    words = ("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place))
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount a small device here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def live(device: Path, tmp_path: Path) -> Iterator[Live]:
    root = str(device / "data")
    config = {"storage": {"filesystem": {"rootdirectory": root}}}
    server = start(tmp_path, config=config, workers=2)
    yield server
    server.stop()


@pytest.fixture
def client(live: Live) -> Iterator[httpx.Client]:
    auth = ("admin", live.admin_password)
    with httpx.Client(base_url=live.url, auth=auth, timeout=60) as client:
        yield client


def fill(device: Path, leave: int = 0) -> Path:
    """Take all room but `leave` bytes with a file beside the store."""
    filler = device / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            pass
        if leave:
            file.truncate(max(0, file.tell() - leave))
    return filler


def no_room(answer: httpx.Response) -> None:
    """507, or an error of the protocol's own; a sentence either way, never "internal error"."""
    assert answer.status_code == 507 or 400 <= answer.status_code < 500, answer.text
    for error in answer.json()["errors"]:
        assert answer.status_code == 507 or error["code"] in CODES
        assert "Errno" not in str(error)


@pytest.mark.parametrize("way", ["PUT", "PATCH", "POST"])
def test_an_upload_larger_than_the_device_is_refused(
    client: httpx.Client, device: Path, way: str
) -> None:
    repo = Repo(client)
    kept = random_bytes(100_000)
    image = repo.store(repo.image(kept), "v1")
    data = random_bytes(2 * SIZE)
    if way == "PUT":
        answer = repo.close(repo.location(), digest(data), data)
    elif way == "PATCH":
        answer = repo.patch(repo.location(), data)
    else:
        answer = repo.call("POST", "blobs/uploads/", params={"digest": digest(data)}, content=data)
    no_room(answer)
    assert repo.blob(digest(data)).status_code == 404
    assert repo.get("v1").content == image.body
    assert repo.blob(digest(kept)).content == kept


def test_on_a_full_device_reads_go_on_and_after_room_is_made_pushes_too(
    live: Live, client: httpx.Client, device: Path
) -> None:
    repo = Repo(client)
    kept = random_bytes(300_000)
    image = repo.store(repo.image(kept), "v1")
    _, pushed = packs.push(client, "on-disk", "1.0.0")
    assert pushed.status_code == 201
    ready = repo.image(random_bytes(10))
    filler = fill(device)

    for size in (0, 1000, 100_000, 1_000_000):
        data = random_bytes(size)
        begun = repo.begin()
        if begun.status_code != 202:
            no_room(begun)
            continue
        answer = repo.close(begun.headers["location"], digest(data), data)
        if answer.status_code != 201:
            no_room(answer)
            assert repo.blob(digest(data)).status_code in (200, 404)
        else:
            assert repo.blob(digest(data)).content == data, "what was answered 201 is whole"
    answer = repo.put("v2", ready)
    if answer.status_code != 201:
        no_room(answer)
        assert repo.get("v2").status_code == 404
    for _ in range(3):
        assert repo.get("v1").content == image.body
        assert repo.blob(digest(kept)).content == kept
        assert "on-disk" in packs.catalog(client)
        assert client.get("/health").status_code == 200
    with httpx.Client(base_url=live.url, auth=(live.reader, live.reader_password)) as reader:
        assert Repo(reader, repo.name).get("v1").content == image.body, "newcomers read too"

    filler.unlink()
    again = repo.store(repo.image(random_bytes(500_000)), "v3")
    assert repo.get("v3").content == again.body
    assert repo.put("v2", ready).status_code == 201
    _, pushed = packs.push(client, "on-disk", "1.0.1")
    assert pushed.status_code == 201
    assert repo.delete(image.digest()).status_code == 202


def test_a_server_on_a_full_device_starts_again_once_there_is_room(
    live: Live, client: httpx.Client, device: Path
) -> None:
    repo = Repo(client)
    kept = random_bytes(300_000)
    image = repo.store(repo.image(kept), "v1")
    filler = fill(device)
    for _ in range(5):
        repo.call(
            "POST",
            "blobs/uploads/",
            params={"digest": digest(b"x" * 70_000)},
            content=b"x" * 70_000,
        )
    live.kill()
    filler.unlink()
    live.run()
    with httpx.Client(base_url=live.url, auth=("admin", live.admin_password)) as fresh:
        again = Repo(fresh, repo.name)
        assert again.get("v1").content == image.body
        assert again.blob(digest(kept)).content == kept
        again.store(again.image(random_bytes(100_000)), "v2")


@pytest.mark.parametrize("leave", [8_192, 65_536, 200_000])
def test_with_a_little_room_left_every_answer_is_honest(
    client: httpx.Client, device: Path, leave: int
) -> None:
    repo = Repo(client)
    filler = fill(device, leave)
    stored = []
    refusals = 0
    for size in (100, 5_000, 30_000, 90_000) * 3:
        data = random_bytes(size)
        of = digest(data)
        answer = repo.call("POST", "blobs/uploads/", params={"digest": of}, content=data)
        if answer.status_code == 201:
            stored.append((of, data))
        else:
            no_room(answer)
            refusals += 1
    assert refusals
    filler.unlink()
    for of, data in stored:
        assert repo.blob(of).content == data
