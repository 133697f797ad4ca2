"""The statements of the hot path find their rows by an index, however many there are."""

from __future__ import annotations

import re

import pytest

from packyard.storage import statements
from packyard.storage.store import Store

STATEMENTS = {name: text for name, text in vars(statements).items() if name.isupper()}


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_table_is_scanned(disk: Store, name: str) -> None:
    values = dict.fromkeys(re.findall(r":(\w+)", STATEMENTS[name]), 1)
    connection = disk.database.raw()
    plan = connection.execute(f"EXPLAIN QUERY PLAN {STATEMENTS[name]}", values).fetchall()
    connection.close()
    steps = [str(step) for *_, step in plan]
    assert not [step for step in steps if step.startswith(("SCAN", "USE TEMP"))]


def test_referrers_are_found_by_their_subject(disk: Store) -> None:
    connection = disk.database.raw()
    plan = connection.execute(
        f"EXPLAIN QUERY PLAN {statements.REFERRERS}", {"repo": "", "digest": ""}
    ).fetchall()
    connection.close()
    assert "manifests_by_subject (repo_id=? AND subject=?)" in str(plan)
