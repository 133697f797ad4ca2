from __future__ import annotations

import logging
import shutil
import subprocess
import time
from pathlib import Path

import bcrypt
import pytest

from packyard.auth import htpasswd, passwords
from packyard.auth.htpasswd import Htpasswd, parse

SALT = b"$2b$04$......................"  # the same hash in every run
HASH = bcrypt.hashpw(b"secret", SALT).decode()
OTHER = bcrypt.hashpw(b"other", SALT).decode()


def test_names_and_bcrypt_hashes_are_read() -> None:
    users, warnings = parse(f"# people\n\nann:{HASH}\r\nbob:{OTHER}\n")
    assert users == {"ann": HASH, "bob": OTHER}
    assert warnings == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ann", "line 2: not of the form name:hash"),
        (f":{HASH}", "line 2: not of the form name:hash"),
        ("ann:$apr1$abcdefgh$ijklmnop", "ann is not hashed by bcrypt (MD5)"),
        ("ann:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "ann is not hashed by bcrypt (SHA-1)"),
        ("ann:$6$salt$hash", "ann is not hashed by bcrypt (SHA-512)"),
        ("ann:$2y$05$short", "ann is not hashed by bcrypt (a damaged bcrypt hash)"),
        ("ann:plain", "ann is not hashed by bcrypt (no hash, or of an unknown kind)"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_and_the_others_are(line: str, said: str) -> None:
    users, (warning,) = parse(f"bob:{HASH}\n{line}\n")
    assert users == {"bob": HASH}
    assert said in warning
    assert "plain" not in warning
    assert warning.startswith("line 2")


def test_the_later_line_of_a_name_counts() -> None:
    users, (warning,) = parse(f"ann:{HASH}\nann:{OTHER}\n")
    assert users == {"ann": OTHER}
    assert "line 2: ann stands there twice" in warning


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "htpasswd"
    path.write_text(f"ann:{HASH}\n")
    return path


def test_a_changed_file_is_read_again(file: Path) -> None:
    users = Htpasswd(file)
    assert users.users() == {"ann": HASH}
    time.sleep(0.01)
    file.write_text(f"ann:{OTHER}\n")  # of the same size
    assert users.users() == {"ann": OTHER}


def test_a_replaced_file_is_read_again(file: Path, tmp_path: Path) -> None:
    users = Htpasswd(file)
    assert users.users() == {"ann": HASH}
    (tmp_path / "new").write_text(f"bob:{HASH}\n")
    (tmp_path / "new").rename(file)
    assert users.users() == {"bob": HASH}


def test_an_unchanged_file_is_not_read_again(file: Path) -> None:
    users = Htpasswd(file)
    assert users.users() is users.users()


def test_without_the_file_nobody_of_it_gets_in(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    users = Htpasswd(file)
    assert users.users()
    file.unlink()
    with caplog.at_level(logging.ERROR):
        assert users.users() == {}
        assert users.users() == {}
    assert len(caplog.records) == 1
    file.write_text(f"ann:{HASH}\n")
    assert users.users() == {"ann": HASH}


def test_the_file_is_looked_at_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(htpasswd, "_RECHECK", 1.0)
    path = tmp_path / "htpasswd"
    path.write_text(f"ann:{HASH}\n")
    users = Htpasswd(path)
    assert users.users() == {"ann": HASH}
    path.unlink()
    assert users.users() == {"ann": HASH}


@pytest.mark.skipif(not shutil.which("htpasswd"), reason="the program htpasswd is not there")
def test_what_the_program_htpasswd_writes_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "htpasswd"
    subprocess.run(["htpasswd", "-Bbc", path, "ann", "secret"], check=True, capture_output=True)
    users, warnings = parse(path.read_text())
    assert not warnings
    assert passwords.opens(b"secret", users["ann"])
