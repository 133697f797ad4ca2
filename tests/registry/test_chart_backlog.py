"""A store from before charts were recorded: after the upgrade its charts are in the index."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import delete, select

import packyard.storage.migrations
from packyard.catalog.tables import chart_names, charts
from packyard.digests import digest_of
from packyard.references import RepoName, Tag
from packyard.registry.chart_backlog import record_backlog
from packyard.registry.registry import Registry
from packyard.registry.tables import chart_backlog
from tests.migrated import open_migrated
from tests.registry.charts import archive, carrying, listed, push
from tests.registry.conftest import pack_files
from tests.registry.conftest import push as push_pack


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """A registry with charts in all kinds of places, none of them recorded, at its upgrade."""
    store = open_migrated(tmp_path)
    registry = Registry(store)
    push(registry, archive())
    push(registry, archive("db"), "team/db", "1.2.0", "latest")
    push_pack(registry, carrying(archive("carried")))
    push_pack(registry, pack_files("plain"))
    with store.write() as tx:
        for table in (charts, chart_names):
            tx.connection.execute(delete(table))
        tx.connection.exec_driver_sql("DROP TABLE chart_backlog")
        tx.connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0005'")
    config = Config()
    folder = Path(packyard.storage.migrations.__file__).parent
    config.set_main_option("script_location", str(folder))
    with store.write() as tx:
        config.attributes["connection"] = tx.connection
        command.upgrade(config, "0006")
    return registry


def backlog(registry: Registry) -> set[tuple[str, str]]:
    with registry.store.read() as connection:
        return {(row.repository, row.tag) for row in connection.execute(select(chart_backlog))}


def test_the_upgrade_writes_down_where_charts_may_stand(registry: Registry) -> None:
    assert backlog(registry) == {
        ("charts/web", "1.2.0"),
        ("team/db", "1.2.0"),
        ("team/db", "latest"),
        ("spectro-packs/archive/demo", "1.0.0"),
    }
    assert not listed(registry)


def test_they_are_recorded_once(registry: Registry) -> None:
    before = registry.store.manifest(RepoName("charts/web"), Tag("1.2.0"))
    assert record_backlog(registry) == 4
    assert listed(registry) == {
        "web-1.2.0.tgz": digest_of(archive()),
        "db-1.2.0.tgz": digest_of(archive("db")),
        "carried-1.2.0.tgz": digest_of(archive("carried")),
    }
    assert registry.store.manifest(RepoName("charts/web"), Tag("1.2.0")) == before
    assert not backlog(registry)
    assert record_backlog(registry) == 0


def test_what_went_or_cannot_be_loaded_stops_nothing(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    registry.untag(RepoName("team/db"), Tag("1.2.0"))
    registry.store.delete_blob(RepoName("team/db"), digest_of(archive("db")))
    with caplog.at_level(logging.WARNING):
        assert record_backlog(registry) == 2
    assert sorted(listed(registry)) == ["carried-1.2.0.tgz", "web-1.2.0.tgz"]
    assert not backlog(registry)
    assert len(caplog.messages) == 2
