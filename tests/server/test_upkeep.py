from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from packyard.auth import passwords
from packyard.errors import ConfigurationInvalid, UserUnknown
from packyard.server.people import reset_password
from packyard.server.upkeep import collect_garbage
from packyard.storage.store import Store
from tests.live import basic, start


def test_a_reset_password_counts_at_once_in_the_running_server(tmp_path: Path) -> None:
    with start(tmp_path) as live:

        def status(password: str) -> int:
            headers = {"authorization": basic("admin", password)}
            return httpx.get(f"{live.url}/v2/", headers=headers).status_code

        assert status(live.admin_password) == 200
        password = reset_password(live.config, {}, "admin")
        assert status(password) == 200
        assert status(live.admin_password) == 401


def test_an_admin_can_be_made_beside_an_htpasswd_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "COST", 4)
    with start(tmp_path, env={"PACKYARD_ADMIN_PASSWORD": ""}) as live:
        password = reset_password(live.config, {}, "admin")
        headers = {"authorization": basic("admin", password)}
        assert httpx.get(f"{live.url}/v2/", headers=headers).status_code == 200
        with pytest.raises(UserUnknown):
            reset_password(live.config, {}, live.reader)


def test_collecting_by_hand_can_be_rehearsed(tmp_path: Path) -> None:
    environ = {"PACKYARD_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(tmp_path / "data")}
    Store.open(tmp_path / "data").migrate()
    done = collect_garbage(None, environ, dry_run=True, grace=timedelta(), untagged=True)
    assert (done.blobs, done.manifests) == (0, 0)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"PACKYARD_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/none/here"}, "no store in /none/here"),
        ({"PACKYARD_STORAGE": "inmemory"}, "in memory"),
    ],
)
def test_no_store_is_made_where_there_is_none(environ: dict[str, str], said: str) -> None:
    for work in (
        lambda: collect_garbage(None, environ),
        lambda: reset_password(None, environ, "a"),
    ):
        with pytest.raises(ConfigurationInvalid, match=said):
            work()
    assert not Path("/none").exists()
