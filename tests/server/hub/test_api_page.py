"""docs/api.md, typed: each command prints what the page says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.live import ADMIN_PASSWORD, Live
from tests.server.hub.conftest import Caller
from tests.typed import Desk


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")
def test_what_the_page_has_is_answered_as_it_says(
    server: Live, admin: Caller, tmp_path: Path
) -> None:
    desk = Desk(tmp_path, places={"https://packs.example.com": server.url})
    desk.put("key.txt", admin.key)
    desk.put("password.txt", f"{ADMIN_PASSWORD}\n")
    desk.type("api.md")
