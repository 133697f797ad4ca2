from __future__ import annotations

import base64
import os
import threading
from pathlib import Path

import pytest
from sqlalchemy import select, update

from packyard.auth import tables
from packyard.auth.keyring import FILE, KeyFile, Ring
from packyard.auth.secrets import Secrets
from packyard.errors import ConfigurationInvalid, Conflict
from packyard.storage.store import Store

OWNER, VALUE = "registry/0123/password", "päß word"


def text(number: int) -> str:
    return base64.b64encode(bytes([number]) * 32).decode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / FILE


@pytest.fixture
def sealed(store: Store, file: Path) -> Secrets:
    secrets = Secrets.load(file=file)
    secrets.prepare(store)
    put(store, secrets)
    return secrets


def put(store: Store, secrets: Secrets, owner: str = OWNER, value: str = VALUE) -> None:
    with store.write() as tx:
        secrets.put(tx, owner, value)


def get(store: Store, secrets: Secrets, owner: str = OWNER) -> str | None:
    with store.read() as connection:
        value = secrets.get(connection, owner)
    return value.decode() if value is not None else None


def rows(store: Store) -> list[tuple[str, str, bytes]]:
    with store.read() as connection:
        found = select(tables.secrets.c.owner, tables.secrets.c.key_id, tables.secrets.c.sealed)
        return [tuple(row) for row in connection.execute(found)]


def test_the_first_start_makes_a_key_that_its_owner_alone_reads(
    sealed: Secrets, file: Path
) -> None:
    assert file.stat().st_mode & 0o777 == 0o600
    lines = file.read_text().splitlines()
    assert lines[0].startswith("#")
    assert len(base64.b64decode(lines[1])) == 32
    assert len(lines) == 2


def test_what_is_sealed_is_opened_by_every_process_and_seen_by_none(
    sealed: Secrets, store: Store, file: Path
) -> None:
    assert get(store, sealed) == get(store, Secrets.load(file=file)) == VALUE
    assert get(store, sealed, "nobody") is None
    assert all(VALUE.encode() not in sealed for _, _, sealed in rows(store))
    put(store, sealed, value="new")
    assert get(store, sealed) == "new"
    with store.write() as tx:
        sealed.forget(tx, OWNER)
    assert get(store, sealed) is None
    assert base64.b64encode(bytes(32)).decode() not in repr(Ring({"id": bytes(32)}))


def test_a_later_start_uses_the_key_that_is_there(
    sealed: Secrets, store: Store, file: Path
) -> None:
    before = file.read_bytes()
    Secrets.load(file=file).prepare(store)
    assert file.read_bytes() == before


def test_starts_at_the_same_moment_make_one_key(store: Store, file: Path) -> None:
    threads = [
        threading.Thread(target=Secrets.load(file=file).prepare, args=(store,)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ring = KeyFile(file).read()
    assert ring
    assert {key_id for _, key_id, _ in rows(store)} == set(ring.keys)


@pytest.mark.parametrize("lost", ["gone", "another"])
def test_a_lost_key_stops_the_start_and_nothing_is_destroyed(
    sealed: Secrets, store: Store, file: Path, tmp_path: Path, lost: str
) -> None:
    kept = file.rename(tmp_path / "kept")
    if lost == "another":
        KeyFile(file).write(Ring.generate())
    before = rows(store)
    with pytest.raises(ConfigurationInvalid) as refused:
        Secrets.load(file=file).prepare(store)
    assert str(file) in refused.value.message
    assert before[0][1] in refused.value.message
    assert "Put it back" in refused.value.message
    assert rows(store) == before
    assert file.exists() == (lost == "another")
    kept.rename(file)
    Secrets.load(file=file).prepare(store)


def test_where_it_is_lost_for_good_secrets_can_be_forgotten(
    sealed: Secrets, store: Store, file: Path
) -> None:
    file.unlink()
    secrets = Secrets.load(file=file)
    assert secrets.start_anew(store) == 1
    secrets.prepare(store)
    assert get(store, secrets) is None
    put(store, secrets)
    assert get(store, Secrets.load(file=file)) == VALUE


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no key"),
        ("# nothing\n", "holds no key"),
        ("not base64!\n", "key 1 is not the base64 of 32 bytes"),
        (f"{text(1)}\n{text(1)[:-8]}\n", "key 2 is not the base64 of 32 bytes"),
    ],
)
def test_a_key_file_that_is_none_is_named_and_its_text_is_not(
    file: Path, content: str, said: str
) -> None:
    file.write_text(content)
    with pytest.raises(ConfigurationInvalid, match=said) as refused:
        Secrets.load(file=file)
    assert str(file) in refused.value.message
    assert "base64!" not in refused.value.message
    assert text(1)[:20] not in refused.value.message


def test_a_key_file_that_all_may_read_is_warned_of(
    sealed: Secrets, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.chmod(0o644)
    Secrets.load(file=file)
    assert "chmod 600" in caplog.text


def test_rotation_seals_everything_anew_and_the_old_key_opens_nothing(
    sealed: Secrets, store: Store, file: Path
) -> None:
    put(store, sealed, "other", "value")
    old = file.read_text()
    before = rows(store)
    assert Secrets.load(file=file).rotate(store) == 2
    after = rows(store)
    assert len(after) == len(before) == 3
    assert not {key for _, key, _ in before} & {key for _, key, _ in after}
    assert not set(old.splitlines()[1:]) & set(file.read_text().splitlines())
    assert file.stat().st_mode & 0o777 == 0o600
    assert get(store, Secrets.load(file=file)) == VALUE
    file.write_text(old)
    with pytest.raises(ConfigurationInvalid, match="does not hold the key"):
        Secrets.load(file=file).prepare(store)


def test_a_process_that_runs_meanwhile_follows_the_rotation(
    sealed: Secrets, store: Store, file: Path
) -> None:
    Secrets.load(file=file).rotate(store)
    put(store, sealed, "later", "value")
    fresh = Secrets.load(file=file)
    assert get(store, sealed) == get(store, fresh) == VALUE
    assert get(store, fresh, "later") == "value"


def test_a_rotation_that_fails_changes_no_row_and_keeps_the_old_key(
    sealed: Secrets, store: Store, file: Path
) -> None:
    with store.write() as tx:
        tx.connection.execute(
            update(tables.secrets)
            .where(tables.secrets.c.owner == OWNER)
            .values(sealed=os.urandom(40))
        )
    put(store, sealed, "other", "value")
    before = rows(store)
    with pytest.raises(ConfigurationInvalid, match=f"{OWNER} was damaged or moved"):
        Secrets.load(file=file).rotate(store)
    assert rows(store) == before
    assert get(store, Secrets.load(file=file), "other") == "value"


def test_rows_cannot_be_exchanged(sealed: Secrets, store: Store) -> None:
    put(store, sealed, "mine", "worthless")
    with store.write() as tx:
        theirs = select(tables.secrets.c.sealed).where(tables.secrets.c.owner == OWNER)
        stolen = tx.connection.scalar(theirs)
        mine = update(tables.secrets).where(tables.secrets.c.owner == "mine")
        tx.connection.execute(mine.values(sealed=stolen))
    with pytest.raises(ConfigurationInvalid, match="mine was damaged or moved"):
        get(store, sealed, "mine")


def test_configured_keys_seal_with_the_first_and_open_with_all(store: Store) -> None:
    first = Secrets.load([text(1)])
    first.prepare(store)
    put(store, first)
    with pytest.raises(Conflict, match="keys already"):
        first.rotate(store)
    both = Secrets.load([text(2), text(1)])
    both.prepare(store)
    assert get(store, both) == VALUE
    assert both.rotate(store) == 1
    second = Secrets.load([text(2)])
    second.prepare(store)
    assert get(store, second) == VALUE
    with pytest.raises(ConfigurationInvalid, match=r"secrets\.keys does not hold the key"):
        first.prepare(store)
