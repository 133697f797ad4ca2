"""Charts in the registry: whichever way one came, the index says what stands where."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy import select

from packyard.catalog import charts as rows
from packyard.catalog.tables import chart_names
from packyard.digests import digest_of
from packyard.errors import (
    BlobUnknown,
    ChartUnknown,
    Conflict,
    ContentRefused,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    PackyardError,
)
from packyard.packs.artifact import repository
from packyard.packs.chart_artifact import ARCHIVE_TYPE, PROVENANCE_TYPE
from packyard.packs.files import File
from packyard.references import RepoName, Tag
from packyard.registry.chart_pushes import delete_chart, push_chart, push_provenance
from packyard.registry.registry import Registry
from packyard.storage.gc import collect
from tests.registry.charts import archive, carrying, index, listed, manifest, provenance, push, put
from tests.registry.conftest import pack_files
from tests.registry.conftest import push as push_pack

WEB = RepoName("charts/web")
SIGNED = provenance(archive())


def one(registry: Registry, file: str) -> rows.ChartEntry:
    with registry.store.read() as connection:
        return rows.listed(connection, registry.source, file)


def change(registry: Registry, name: str = "web") -> int:
    with registry.store.read() as connection:
        return (
            connection.scalar(select(chart_names.c.change).where(chart_names.c.name == name)) or 0
        )


def test_a_chart_pushed_as_helm_does_is_in_the_index(registry: Registry) -> None:
    committed = push(registry, archive(), signed=SIGNED)
    (entry,) = index(registry)["web"]
    assert entry.pop("created")
    assert entry == {
        "name": "web",
        "version": "1.2.0",
        "description": "A chart",
        "apiVersion": "v2",
        "urls": ["charts/web-1.2.0.tgz"],
        "digest": digest_of(archive()).removeprefix("sha256:"),
    }
    row = one(registry, "web-1.2.0")
    assert (row.repository, row.tag, row.path, row.pack) == (WEB, "1.2.0", "", "")
    assert (row.manifest, row.provenance) == (committed.digest, digest_of(SIGNED))
    assert not committed.findings


@pytest.mark.parametrize(
    ("repo", "tag", "is_listed"),
    [
        ("web", "1.2.0_b.1", True),
        ("a/b/c/web", "1.2.0_b.1", True),
        ("charts/web", "latest", False),
        ("charts/web", "1.2.0", False),
        ("web/charts", "1.2.0_b.1", False),
    ],
)
def test_the_index_looks_where_helm_puts_charts(
    registry: Registry, repo: str, tag: str, is_listed: bool
) -> None:
    committed = push(registry, archive(version="1.2.0+b.1"), repo, tag)
    assert list(listed(registry)) == (["web-1.2.0+b.1.tgz"] if is_listed else [])
    assert [finding.rule for finding in committed.findings] == (
        [] if is_listed else ["push.chart-unlisted"]
    )
    assert registry.store.manifest(RepoName(repo), Tag(tag)).digest == committed.digest


def test_versions_are_listed_newest_first(registry: Registry) -> None:
    versions = ["1.2.0", "1.10.0", "v2.0.0", "2.0.0-rc.1", "1.2.0+b", "1.2.0-a.9", "1.2.0-a.10"]
    for version in versions:
        push(registry, archive(version=version))
    assert [entry["version"] for entry in index(registry)["web"]] == [
        "v2.0.0",
        "2.0.0-rc.1",
        "1.10.0",
        "1.2.0+b",
        "1.2.0",
        "1.2.0-a.10",
        "1.2.0-a.9",
    ]


def test_a_tag_that_moves_or_goes_takes_its_row_along(registry: Registry) -> None:
    first = push(registry, archive())
    push(registry, archive(content="more"), "charts/web", "1.2.0", "stable")
    assert listed(registry) == {"web-1.2.0.tgz": digest_of(archive(content="more"))}
    registry.untag(WEB, Tag("stable"))
    assert list(listed(registry)) == ["web-1.2.0.tgz"]
    put(registry, manifest(registry, WEB, ("text/plain", b"x"), config="text/plain"), WEB, "1.2.0")
    assert not listed(registry)
    put(registry, registry.store.manifest(WEB, first.digest).content, WEB, "1.2.0")
    assert listed(registry) == {"web-1.2.0.tgz": digest_of(archive())}
    registry.untag(WEB, Tag("1.2.0"))
    assert not listed(registry)
    put(registry, registry.store.manifest(WEB, first.digest).content, WEB, "1.2.0")
    registry.delete(WEB, first.digest)
    assert not listed(registry)


@pytest.mark.parametrize(
    ("layers", "refusal", "rules"),
    [
        ([], ManifestInvalid, []),
        ([(ARCHIVE_TYPE, archive()), (ARCHIVE_TYPE, archive("b"))], ManifestInvalid, []),
        ([("text/plain", archive())], ManifestInvalid, []),
        ([(ARCHIVE_TYPE, b"no chart")], ContentRefused, ["archive.truncated"]),
        (
            [(ARCHIVE_TYPE, archive(version="one")), (PROVENANCE_TYPE, b"none")],
            ContentRefused,
            ["chart.version", "chart.provenance"],
        ),
        (
            [(ARCHIVE_TYPE, archive(content="x")), (PROVENANCE_TYPE, SIGNED)],
            ContentRefused,
            ["chart.provenance"],
        ),
        (
            [(ARCHIVE_TYPE, archive()), (PROVENANCE_TYPE, bytes(2 * 1024 * 1024))],
            ContentRefused,
            ["archive.too-large"],
        ),
    ],
)
def test_what_says_it_is_a_chart_and_is_none_is_refused_with_everything_wrong(
    registry: Registry,
    layers: list[tuple[str, bytes]],
    refusal: type[PackyardError],
    rules: list[str],
) -> None:
    body = manifest(registry, "any/web", *layers)
    with pytest.raises(refusal) as refused:
        put(registry, body, "any/web", "1.2.0")
    findings = refused.value.findings if isinstance(refused.value, ContentRefused) else ()
    assert [finding.rule for finding in findings] == rules
    assert not registry.store.repositories()
    assert not listed(registry)


def test_a_chart_without_its_archive_is_refused_even_where_images_may_be_sparse(
    registry: Registry,
) -> None:
    layers = ((ARCHIVE_TYPE, archive()), (PROVENANCE_TYPE, SIGNED))
    body = manifest(registry, WEB, *layers)
    registry.store.delete_blob(WEB, digest_of(archive()))
    with pytest.raises(ManifestBlobUnknown):
        put(registry, body, WEB, "1.2.0")


def test_what_does_not_say_that_it_is_a_chart_is_nobodys_business(registry: Registry) -> None:
    layers = [(ARCHIVE_TYPE, b"no chart")]
    put(registry, manifest(registry, WEB, *layers, config="text/plain"), WEB, "1.2.0")
    assert not listed(registry)


class TestCarried:
    def test_charts_of_packs_are_in_the_index_and_name_their_pack(self, registry: Registry) -> None:
        push_pack(registry, carrying(archive(), archive("db", "0.1.0+c"), b"no chart"))
        (entry,) = index(registry)["db"]
        assert entry["urls"] == ["charts/db-0.1.0+c.tgz"]
        assert entry["annotations"] == {"dev.packyard.pack": "demo:1.0.0"}
        row = one(registry, "web-1.2.0")
        assert (row.path, row.pack) == ("charts/0.tgz", "demo:1.0.0")
        assert sorted(listed(registry)) == ["db-0.1.0+c.tgz", "web-1.2.0.tgz"]

    def test_their_archives_live_as_long_as_the_pack(self, registry: Registry) -> None:
        big = archive("big", content="".join(str(number**7) for number in range(9000)))
        assert len(big) > 16 * 1024
        committed = push_pack(registry, carrying(archive(), big))
        push_pack(registry, carrying(archive("db"), version="2.0.0"))
        collect(registry.store)
        repo = repository("demo")
        for data in (archive(), big):
            assert registry.store.blob(repo, digest_of(data)).size == len(data)
            with registry.store.open_blob(digest_of(data)) as stream:
                assert stream.read() == data
        registry.delete(repo, committed.digest)
        assert sorted(listed(registry)) == ["db-1.2.0.tgz"]
        collect(registry.store)
        for data in (archive(), big):
            with pytest.raises(BlobUnknown):
                registry.store.blob(repo, digest_of(data))

    def test_one_that_is_there_only_unpacked_is_packaged(self, registry: Registry) -> None:
        files = pack_files(charts=["charts/web-1.2.0.tgz"])
        chart_yaml = File(b"name: web\nversion: 1.2.0\n")
        push_pack(registry, {**files, "charts/web/Chart.yaml": chart_yaml})
        assert list(listed(registry)) == ["web-1.2.0.tgz"]

    def test_only_what_pack_json_names_counts(self, registry: Registry) -> None:
        push_pack(registry, {**carrying(archive()), "charts/web.orig.tgz": File(archive("old"))})
        assert list(listed(registry)) == ["web-1.2.0.tgz"]

    def test_a_forced_push_and_the_pack_s_end_are_followed(self, registry: Registry) -> None:
        push_pack(registry, carrying(archive(), archive("db")))
        push_pack(registry, carrying(archive("api"), archive()))
        assert sorted(listed(registry)) == ["api-1.2.0.tgz", "web-1.2.0.tgz"]
        push_pack(registry, carrying(archive("api"), archive()), "stable")
        registry.untag(repository("demo"), Tag("1.0.0"))
        assert not listed(registry)


class TestClashes:
    def test_a_chart_of_its_own_goes_before_one_in_a_pack_then_the_newest(
        self, registry: Registry, caplog: pytest.LogCaptureFixture
    ) -> None:
        bytes_of = {text: archive(content=text) for text in ("own", "team", "pack", "newer")}
        digests = {text: digest_of(data) for text, data in bytes_of.items()}

        def says() -> str:
            digest = listed(registry)["web-1.2.0.tgz"]
            return next(text for text, known in digests.items() if known == digest)

        with caplog.at_level(logging.WARNING):
            push_pack(registry, carrying(bytes_of["pack"]))
            assert says() == "pack"
            assert not caplog.records
            push_pack(registry, carrying(bytes_of["newer"], version="0.9.0"))
            assert says() == "newer"
            push(registry, bytes_of["own"], "mirror/web")
            assert says() == "own"
            push(registry, bytes_of["team"], "team/web")
            assert says() == "team"
            push_pack(registry, carrying(bytes_of["pack"], version="3.0.0"))
            assert says() == "team"
        assert len(caplog.records) == 4
        last = caplog.messages[-1]
        assert f"the index lists team/web:1.2.0 ({digests['team']})" in last
        assert f"mirror/web:1.2.0 ({digests['own']})" in last
        assert f"charts/0.tgz in spectro-packs/archive/demo:0.9.0 ({digests['newer']})" in last

        with registry.store.read() as connection:
            (clash,) = rows.clashes(connection, registry.source)
        assert str(clash.listed) == "team/web:1.2.0"
        assert len(clash.hidden) == 4
        registry.untag(RepoName("team/web"), Tag("1.2.0"))
        assert says() == "own"
        registry.untag(RepoName("mirror/web"), Tag("1.2.0"))
        assert says() == "pack"

    def test_a_name_at_home_is_listed_from_there_alone(self, registry: Registry) -> None:
        """Neither other bytes of a version nor a newer version come in from elsewhere."""

        def versions() -> list[str]:
            return [entry["version"] for entry in index(registry).get("web", [])]

        push(registry, archive(version="9.0.0"), "team/web")
        push_pack(registry, carrying(archive(version="3.0.0")))
        assert versions() == ["9.0.0", "3.0.0"]
        before = change(registry)
        push(registry, archive(version="1.0.0"))
        assert versions() == ["1.0.0"]
        assert change(registry) > before
        committed = push(registry, archive(content="other", version="1.0.0"), "team/web")
        (told,) = committed.findings
        assert told.rule == "push.chart-unlisted"
        assert "charts/web alone" in told.mend
        assert listed(registry) == {"web-1.0.0.tgz": digest_of(archive(version="1.0.0"))}
        with registry.store.read() as connection:
            (clash,) = rows.clashes(connection, registry.source)
        assert str(clash.listed) == "charts/web:1.0.0"
        push(registry, archive("web-1", "0.0.0-a"), "charts/web-1")
        assert sorted(index(registry)) == ["web", "web-1"]
        registry.untag(WEB, Tag("1.0.0"))
        assert versions() == ["9.0.0", "3.0.0", "1.0.0"]

    def test_the_same_bytes_in_several_places_are_none(
        self, registry: Registry, caplog: pytest.LogCaptureFixture
    ) -> None:
        push(registry, archive())
        push(registry, archive(), "team/web")
        push_pack(registry, carrying(archive()))
        with registry.store.read() as connection:
            assert not rows.clashes(connection, registry.source)
            assert len(rows.places(connection, registry.source, "web")) == 3
        assert not caplog.records
        assert len(index(registry)["web"]) == 1

    def test_two_charts_of_one_pack_and_two_names_of_one_file_clash_too(
        self, registry: Registry
    ) -> None:
        push_pack(registry, carrying(archive(content="a"), archive(content="b")))
        push(registry, archive("a", "1.0.0-b-2.0.0"), "charts/a")
        push(registry, archive("a-1.0.0-b", "2.0.0"), "charts/a-1.0.0-b")
        with registry.store.read() as connection:
            clashes = rows.clashes(connection, registry.source)
            assert [clash.listed.file for clash in clashes] == ["a-1.0.0-b-2.0.0", "web-1.2.0"]
            with pytest.raises(ChartUnknown):
                rows.version(connection, registry.source, "a", "1.0.0-b-2.0.0")
        assert sorted(index(registry)) == ["a-1.0.0-b", "web"]


class TestArchives:
    """Charts that come as archives."""

    def test_they_become_artifacts_as_helm_makes_them(self, registry: Registry) -> None:
        data = archive(version="1.2.0+b")
        signed = provenance(data, version="1.2.0+b")
        committed = push_chart(registry, data, signed, actor="ann")
        held = registry.store.manifest(WEB, Tag("1.2.0_b"))
        assert held.digest == committed.digest
        assert held.artifact_type == "application/vnd.cncf.helm.config.v1+json"
        assert held.annotations["org.opencontainers.image.version"] == "1.2.0+b"
        row = one(registry, "web-1.2.0+b")
        assert (row.repository, row.tag, row.provenance) == (WEB, "1.2.0_b", digest_of(signed))

    def test_what_is_there_is_replaced_by_force_only(self, registry: Registry) -> None:
        first = push_chart(registry, archive(), SIGNED, actor="ann")
        for data in (archive(), archive(content="more")):
            with pytest.raises(Conflict, match=r"web 1\.2\.0 is there already"):
                push_chart(registry, data, actor="ann")
        assert push_chart(registry, archive(), actor="ann", force=True).digest == first.digest
        assert push_chart(registry, archive(), SIGNED, actor="ann", force=True) == first
        push_chart(registry, archive(content="more"), actor="ann", force=True)
        row = one(registry, "web-1.2.0")
        assert (row.digest, row.provenance) == (digest_of(archive(content="more")), "")

    def test_something_else_under_the_tag_is_not_overwritten(self, registry: Registry) -> None:
        body = manifest(registry, WEB, ("text/plain", b"x"), config="text/plain")
        put(registry, body, WEB, "1.2.0")
        with pytest.raises(Conflict):
            push_chart(registry, archive(), actor="ann")

    @pytest.mark.parametrize(
        ("data", "signed", "rules"),
        [
            (b"", None, ["archive.format"]),
            (archive(version=""), b"", ["chart.version", "chart.provenance"]),
            (archive(content="other"), SIGNED, ["chart.provenance"]),
            (archive("Web", "1.2.0-" + 130 * "a"), None, ["push.chart-name", "push.chart-version"]),
        ],
    )
    def test_everything_wrong_is_told_and_nothing_stored(
        self, registry: Registry, data: bytes, signed: bytes | None, rules: list[str]
    ) -> None:
        with pytest.raises(ContentRefused) as refused:
            push_chart(registry, data, signed, actor="ann")
        assert [finding.rule for finding in refused.value.findings] == rules
        assert not registry.store.repositories()

    def test_a_provenance_file_is_added_to_its_chart(self, registry: Registry) -> None:
        with pytest.raises(ChartUnknown):
            push_provenance(registry, SIGNED, actor="ann")
        push(registry, archive(), "team/web")
        push_provenance(registry, SIGNED, actor="ann")
        row = one(registry, "web-1.2.0")
        assert (row.repository, row.provenance) == ("team/web", digest_of(SIGNED))
        held = registry.store.manifest(RepoName("team/web"), Tag("1.2.0"))
        assert held.annotations["org.opencontainers.image.created"] == "2024-01-01T00:00:00Z"
        again = provenance(archive()).replace(b"wsC5", b"wsC6")
        with pytest.raises(Conflict):
            push_provenance(registry, again, actor="ann")
        push_provenance(registry, again, actor="ann", force=True)
        assert one(registry, "web-1.2.0").provenance == digest_of(again)
        with pytest.raises(ContentRefused):
            push_provenance(registry, provenance(b"other"), actor="ann", force=True)
        with pytest.raises(ContentRefused):
            push_provenance(registry, b"none", actor="ann", force=True)

    def test_a_delete_takes_what_the_index_lists(self, registry: Registry) -> None:
        push(registry, archive(), "team/web", "1.2.0", "stable")
        first = push_chart(registry, archive(content="mine"), actor="ann")
        delete_chart(registry, "web", "1.2.0")
        with pytest.raises(ManifestUnknown):
            registry.store.manifest(WEB, first.digest)
        delete_chart(registry, "web", "1.2.0")
        assert registry.store.manifest(RepoName("team/web"), Tag("stable"))
        with pytest.raises(ChartUnknown):
            delete_chart(registry, "web", "1.2.0")

    def test_what_only_a_pack_carries_stays_as_it_is(self, registry: Registry) -> None:
        push_pack(registry, carrying(archive()))
        with pytest.raises(Conflict, match=r"carried by the pack demo:1\.0\.0 only"):
            delete_chart(registry, "web", "1.2.0")
        with pytest.raises(Conflict, match=r"carried by the pack demo:1\.0\.0 only"):
            push_provenance(registry, SIGNED, actor="ann")


def test_a_name_s_number_grows_with_every_change_of_what_the_index_says(registry: Registry) -> None:
    push(registry, archive())
    first = change(registry)
    push(registry, archive("db"), "charts/db")
    assert change(registry, "db") > first
    push(registry, archive())
    assert change(registry) == first
    push(registry, archive(content="x"))
    second = change(registry)
    assert second > change(registry, "db")
    registry.untag(WEB, Tag("1.2.0"))
    assert change(registry) > second
    with registry.store.read() as connection:
        later = rows.changes(connection, registry.source, second)
        none = rows.changes(connection, registry.source, later.number)
    assert later.names == ["web"]
    assert none == rows.Changes([], later.number, 0)


def test_a_pushed_pack_s_time_is_that_of_its_charts(registry: Registry) -> None:
    push_pack(registry, carrying(archive()))
    before = one(registry, "web-1.2.0")
    push_pack(registry, carrying(archive()))
    assert one(registry, "web-1.2.0").created_at == before.created_at
