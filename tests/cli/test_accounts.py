"""The file of logins."""

from __future__ import annotations

import json
import pwd
from pathlib import Path

import pytest

from packyard.cli.accounts import Account, Accounts, default_home, own
from packyard.errors import ConfigurationInvalid
from packyard.remotes.challenge import Credentials

ME = Account(Credentials("me", "a:b"))


def stored(tmp_path: Path, data: object) -> Accounts:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(data))
    return Accounts.read(path)


def test_an_absent_or_empty_file_holds_nothing(tmp_path: Path) -> None:
    assert Accounts.read(tmp_path / "none.json").account("host") is None
    (tmp_path / "empty.json").touch()
    assert Accounts.read(tmp_path / "empty.json").default == ""


@pytest.mark.parametrize(
    "key",
    [
        "packs.example.com:5000",
        "https://packs.example.com:5000",
        "HTTP://Packs.Example.com:5000/v1/",
    ],
)
def test_a_login_is_found_however_its_key_is_written(key: str, tmp_path: Path) -> None:
    accounts = stored(tmp_path, {"auths": {key: {"auth": "bWU6YTpi", "insecure": True}}})
    assert accounts.account("packs.example.com:5000") == Account(ME.credentials, insecure=True)
    assert accounts.account("packs.example.com") is None


def test_a_login_without_a_password_keeps_what_it_says(tmp_path: Path) -> None:
    accounts = stored(tmp_path, {"auths": {"host": {"insecure": True}}})
    assert accounts.account("host") == Account(None, insecure=True)


def test_what_is_written_is_read_again_and_foreign_keys_stay(tmp_path: Path) -> None:
    before = stored(tmp_path, {"auths": {"https://host/": {}}, "credsStore": "x"})
    before.with_login("host", ME, default=False).write()
    data = json.loads(before.path.read_text())
    assert data == {
        "credsStore": "x",
        "auths": {"host": {"auth": "bWU6YTpi"}},
        "defaultRegistry": "host",
    }
    assert Accounts.read(before.path).account("host") == ME


def test_the_first_login_and_the_one_asked_for_become_the_default(tmp_path: Path) -> None:
    first = Accounts.read(tmp_path / "config.json").with_login("one", ME, default=False)
    second = first.with_login("two", ME, default=False)
    third = second.with_login("three", ME, default=True)
    assert [first.default, second.default, third.default] == ["one", "one", "three"]
    assert third.without_login("three").default == ""
    assert third.without_login("one").default == "three"


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "home" / "config.json"
    Accounts.read(path).with_login("host", ME, default=False).write()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["config.json"]


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    link = tmp_path / "config.json"
    link.symlink_to(tmp_path / "elsewhere.json")
    Accounts.read(link).with_login("host", ME, default=False).write()
    assert link.is_symlink()
    assert Accounts.read(tmp_path / "elsewhere.json").account("host") == ME


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "null", '"x"', '{"auths": []}', '{"auths": {"h": "x"}}', "\xff", "[" * 100_000],
)
def test_a_broken_file_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigurationInvalid, match=f"{path}.*log in again"):
        Accounts.read(path)


@pytest.mark.parametrize("auth", ["???", "bm9jb2xvbg==", "/////w=="])
def test_a_broken_login_is_named_and_not_repeated(auth: str, tmp_path: Path) -> None:
    accounts = stored(tmp_path, {"auths": {"host": {"auth": auth}}})
    with pytest.raises(ConfigurationInvalid) as refused:
        accounts.account("host")
    assert "host" in str(refused.value)
    assert auth not in str(refused.value)


def test_who_has_neither_name_nor_folder_has_no_logins(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a service of systemd's DynamicUser, which is to start a server all the same."""

    def unknown(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert own(default_home()).default == ""
