"""Cluster profiles kept: whole, in one transaction, and what becomes of their layers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import insert, select

from packyard.catalog import foreign
from packyard.catalog.entries import by_uid
from packyard.charts.template import Filled, Template
from packyard.errors import (
    InUse,
    ProfileRefused,
    ProfileTaken,
    ProfileUnknown,
    ProjectUnknown,
)
from packyard.hub import profiles, projects, registries, usage
from packyard.hub.composing import Profiles, resolve
from packyard.hub.contents import Looks
from packyard.hub.places import places
from packyard.hub.profiles import Kept
from packyard.hub.projects import Project
from packyard.hub.resolution import asked, standing
from packyard.hub.tables import macros, tenants
from packyard.packs.artifact import repository
from packyard.profiles.model import (
    Manifest,
    PackType,
    Profile,
    ProfileLayer,
    ProfileType,
    RegistryReference,
    Variable,
)
from packyard.references import Tag
from packyard.registry.registry import Registry
from packyard.storage.content import now
from tests.hub.syncing import Charts, Hub
from tests.registry.conftest import pack_files, push
from tests.remotes.scripted import answering

LIMITS = Manifest(
    name="limits",
    content="apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: limits\n",
)


def fill(templates: object) -> list[Filled]:
    raise AssertionError(f"nothing here needs the engine: {templates}, {Template}")


@pytest.fixture
def registry(hub: Hub) -> Registry:
    made = Registry(hub.store)
    for version in ("1.0.0", "1.1.0"):
        push(made, pack_files("demo", version))
    push(made, pack_files("other", "2.0.0"))
    return made


@pytest.fixture
def kept(hub: Hub, registry: Registry) -> Iterator[Profiles]:
    looks = Looks(hub.store, hub.vault, hub.settings)
    yield Profiles(hub.store, hub.vault, fill, looks)
    looks.close()


def layer(name: str = "demo", tag: str = "1.0.0", **changes: object) -> ProfileLayer:
    return replace(ProfileLayer(name=name, tag=tag), **changes)  # type: ignore[arg-type]


def manifests(name: str, *manifests: Manifest, uid: str = "spectro-manifest-pack") -> ProfileLayer:
    return ProfileLayer(name=name, type=PackType.MANIFEST, uid=uid, manifests=manifests)


def profile(*layers: ProfileLayer, **changes: object) -> Profile:
    made = Profile(name="shop", type=ProfileType.ADDON, layers=layers)
    return replace(made, **changes)  # type: ignore[arg-type]


def put_layers(kept: Profiles, uid: str, *layers: ProfileLayer) -> Kept:
    return kept.change_layers(uid, lambda former: former.with_layers(layers))


def test_what_is_put_comes_back_to_the_letter(kept: Profiles) -> None:
    values = "pack:\n  namespace: x  # why\n\n"
    made = kept.create(
        profile(layer(values=values), manifests("rules", LIMITS), labels={"a": "spectro__tag"}),
        "",
        {"description": " two  blanks "},
    )
    again = kept.get(made.uid)
    assert again.profile == made.profile
    assert again.profile.layers[0].values == values
    assert again.profile.description == " two  blanks "
    assert again.profile.layers[1].manifests[0].content == LIMITS.content
    assert (again.published, again.draft) == (None, True)


def test_a_draft_stands_beside_what_was_published(kept: Profiles) -> None:
    made = kept.create(profile(layer()), "", publish=True)
    assert kept.get(made.uid).draft is False
    put_layers(kept, made.uid, layer(tag="1.1.0"))
    changed = kept.get(made.uid)
    assert changed.published is not None
    assert [one.tag for one in changed.published] == ["1.0.0"]
    assert [one.tag for one in changed.profile.layers] == ["1.1.0"]
    assert changed.draft
    kept.publish(made.uid)
    after = kept.get(made.uid)
    assert (after.draft, after.published) == (False, after.profile.layers)


def test_name_and_version_are_taken_once_in_a_scope(hub: Hub, kept: Profiles) -> None:
    project = Project(name="Team A")
    projects.create(hub.store, project)
    kept.create(profile(layer()), "")
    kept.create(profile(layer()), project.uid)
    with pytest.raises(ProjectUnknown):
        kept.create(profile(layer()), "0123456789abcdef01234567")
    kept.create(profile(layer(), version="1.0.1"), "")
    with pytest.raises(ProfileTaken, match=r"'shop' of version 1\.0\.0"):
        kept.create(profile(layer()), "")


def test_secrets_of_variables_are_sealed_and_a_mask_means_the_same_one(
    hub: Hub, kept: Profiles
) -> None:
    secret = Variable(name="token", sensitive=True, default="open sesame")
    made = kept.create(profile(layer(), variables=(secret,)), "")
    assert kept.get(made.uid).profile.variables == (secret,)
    with hub.store.read() as connection:
        rows = connection.exec_driver_sql("SELECT variables FROM profiles").all()
    assert "sesame" not in str(rows)
    masked = replace(secret, default="********", required=True)
    kept.change_variables(
        made.uid, lambda was: replace(was, profile=replace(was.profile, variables=(masked,)))
    )
    (variable,) = kept.get(made.uid).profile.variables
    assert (variable.default, variable.required) == ("open sesame", True)
    kept.remove(made.uid)
    with hub.store.read() as connection:
        assert hub.vault.owners(connection, "profile/") == []
    with pytest.raises(ProfileUnknown):
        kept.get(made.uid)


def test_everything_wrong_is_said_at_once_and_nothing_is_kept(kept: Profiles) -> None:
    wrong = profile(layer("dem"), layer("other", "9.9.9"), layer("demo", values="a: [1,\n"))
    with pytest.raises(ProfileRefused) as refusal:
        kept.create(wrong, "")
    rules = [finding.rule for finding in refusal.value.findings]
    assert rules == ["layer.pack-unknown", "layer.tag-unknown", "yaml.syntax"]
    message = refusal.value.message
    assert "Did you mean 'demo'?" in message
    assert "There are 2.x, 2.0.x, 2.0.0." in message or "2.0.0" in message
    assert "[demo] " in message
    assert "(line 2)" in message
    with pytest.raises(ProfileRefused, match=r"cannot be published.*no operating system"):
        kept.create(profile(layer(), type=ProfileType.CLUSTER), "", publish=True)
    assert not _every(kept)


def test_somebody_who_was_quicker_is_not_overwritten(kept: Profiles) -> None:
    uid = kept.create(profile(layer()), "").uid
    names: list[str] = []

    def change(was: Kept) -> Kept:
        if not names:
            put_layers(kept, uid, layer(tag="1.1.0"))
        names.append(was.profile.layers[0].tag)
        return replace(was, profile=replace(was.profile, name="store"))

    kept.change(uid, change)
    assert names == ["1.0.0", "1.1.0"]
    after = kept.get(uid).profile
    assert (after.name, after.layers[0].tag) == ("store", "1.1.0")


def test_layers_follow_a_tag_that_moves_and_say_so_when_it_is_gone(
    hub: Hub, kept: Profiles, registry: Registry
) -> None:
    made = kept.create(profile(layer(tag="1.x")), "", publish=True)
    assert made.profile.layers[0].version == "1.1.0"
    push(registry, pack_files("demo", "1.2.0"))
    assert _standing(hub, made) == ("1.2.0", "", True)
    assert _moved(kept, made) == ["demo:1.x led to 1.1.0 and leads to 1.2.0 now"]
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        with hub.store.read() as connection:
            (one,) = places(connection, ["demo"], [version]).anywhere("demo", version)
            entry = by_uid(connection, one.uid)
        assert entry
        registry.delete(repository("demo"), entry.digest)
    assert _standing(hub, made) == ("1.1.0", "Public Repo holds no demo:1.x any more.", False)
    # What is gone from under a layer that nobody touches keeps nobody from changing another one.
    after = put_layers(kept, made.uid, layer(tag="1.x"), layer("other", "2.0.0"))
    assert after.profile.layers[0].uid == made.profile.layers[0].uid
    with pytest.raises(ProfileRefused, match="Public Repo holds no pack 'demo'"):
        kept.publish(made.uid)
    with pytest.raises(ProfileRefused):
        put_layers(kept, made.uid, layer(tag="1.0.0"))


def _moved(kept: Profiles, made: Kept) -> list[str]:
    found = kept.compose(made.profile, "", made.profile.layers).findings
    return [one.message.partition(",")[0] for one in found if one.rule == "layer.changed"]


def test_other_content_under_the_same_version_is_told(kept: Profiles, registry: Registry) -> None:
    made = kept.create(profile(layer()), "", publish=True)
    assert _moved(kept, made) == []
    files = pack_files("demo", "1.0.0", displayName="Another")
    push(registry, files)
    assert _moved(kept, made) == ["demo:1.0.0 was pushed again with other content"]


def test_manifest_layers_have_uids_of_their_own_kept_by_name(kept: Profiles) -> None:
    made = kept.create(profile(manifests("a", LIMITS), manifests("b", LIMITS)), "")
    first, second = made.profile.layers
    assert first.uid != second.uid
    assert first.manifests[0].uid != second.manifests[0].uid
    stale = replace(LIMITS, uid=first.manifests[0].uid, content=LIMITS.content + "# new\n")
    after = put_layers(
        kept,
        made.uid,
        manifests("new", LIMITS, uid=first.uid),
        manifests("a", LIMITS, uid=second.uid),
        manifests("b", stale),
    )
    new, same_first, same_second = after.profile.layers
    assert (same_first.uid, same_second.uid) == (first.uid, second.uid)
    assert new.uid not in (first.uid, second.uid)
    assert same_second.manifests[0].uid == second.manifests[0].uid
    assert same_second.manifests[0].content.endswith("# new\n")


def test_name_and_tag_win_over_a_stale_uid(hub: Hub, kept: Profiles) -> None:
    made = kept.create(profile(layer(), layer("other", "2.0.0")), "")
    demo, other = made.profile.layers
    swapped = put_layers(
        kept, made.uid, layer(tag="1.1.0", uid=demo.uid), layer("other", "2.0.0", uid=demo.uid)
    )
    assert [one.version for one in swapped.profile.layers] == ["1.1.0", "2.0.0"]
    assert swapped.profile.layers[1].uid == other.uid
    # a uid alone says everything
    with hub.store.read() as connection:
        (found,) = resolve(connection, [layer(tag="", uid=other.uid, name="other")])
        (alien,) = resolve(connection, [layer(tag="", uid=other.uid, name="demo")])
        named = layer(registry=RegistryReference(name="Public Repo"))
        (by_name,) = resolve(connection, [named])
    assert (found.layer.tag, found.layer.version) == ("2.0.0", "2.0.0")
    assert alien.missing
    assert by_name.layer.registry.uid == demo.registry.uid


def test_a_chart_that_is_named_by_hand_is_known_by_its_uid(hub: Hub, kept: Profiles) -> None:
    quiet = hub.add("http://charts.example", is_private=True)
    named = layer("web", "1.2.3+7", type=PackType.HELM)
    by_registry = replace(named, registry=RegistryReference(uid=quiet.uid))
    made = kept.create(profile(by_registry), "", publish=True)
    (web,) = made.profile.layers
    assert (web.tag, web.version, web.registry.uid) == ("1.2.3+7", "1.2.3+7", quiet.uid)
    with hub.store.read() as connection:
        entry = by_uid(connection, web.uid)
        (found,) = resolve(connection, [replace(named, uid=web.uid)])
        assert not resolve(connection, [named])[0].layer.uid
    assert entry
    assert (entry.source, entry.name, entry.version) == (quiet.uid, "web", "1.2.3+7")
    assert found.layer.uid == web.uid
    assert _standing(hub, made) == ("1.2.3+7", "", False)
    newer = put_layers(kept, made.uid, replace(named, tag="1.3.0", uid=web.uid))
    assert newer.profile.layers[0].uid not in ("", web.uid)
    with hub.store.write() as tx:  # as the job that forgets what is gone
        assert foreign.forget(tx.connection, now() + 1, kept=usage.KEPT) == 0
    with pytest.raises(ProfileRefused, match="No registry holds a pack 'web'"):
        kept.create(profile(named, name="other"), "")


def _project(hub: Hub, name: str) -> str:
    made = Project(name=name)
    projects.create(hub.store, made)
    return made.uid


def _every(kept: Profiles) -> list[Kept]:
    with kept._store.read() as connection:
        return profiles.every(connection)


def _standing(hub: Hub, made: Kept) -> tuple[str, str, bool]:
    with hub.store.read() as connection:
        known = places(connection, *asked(made.profile.layers))
    now = standing(made.profile.layers[0], known)
    return now.layer.version, now.invalid, now.changed


def test_what_profiles_use_is_deleted_by_force_alone(
    hub: Hub, kept: Profiles, registry: Registry
) -> None:
    guarded = Registry(hub.store, guard=usage.guard)
    made = kept.create(profile(layer("demo", "1.x"), layer("other", "2.0.0")), "")
    guarded.untag(repository("demo"), Tag("1.1.0"))  # 1.x leads to 1.0.0 now
    with pytest.raises(InUse, match=r"demo:1\.0\.0, 1\.0\.x, 1\.x is used by a cluster"):
        guarded.untag(repository("demo"), Tag("1.0.0"))
    with hub.store.read() as connection:
        other = made.profile.layers[1].uid
        entry = by_uid(connection, other)
        assert entry
        uses = usage.of_pack(connection, other)
        of_registry = usage.of_registry(connection, registry.source)
    assert [(one.uid, one.layers) for one in uses] == [(made.uid, ("other",))]
    assert [one.layers for one in of_registry] == [("demo", "other")]
    with pytest.raises(InUse, match=r"other:2\.0\.0"):
        guarded.delete(repository("other"), entry.digest)
    guarded.delete(repository("other"), entry.digest, force=True)
    kept.remove(made.uid)
    guarded.untag(repository("demo"), Tag("1.0.0"))


def test_the_profiles_that_use_a_macro_are_those_that_it_reaches(hub: Hub, kept: Profiles) -> None:
    project, other = (_project(hub, name) for name in ("one", "two"))
    with hub.store.write() as tx:
        tenant = tx.connection.scalar(select(tenants.c.uid))
        rows = [(tenant, "zone"), (tenant, "zon"), (project, "zone")]
        values = [{"scope": scope, "name": name, "value": "x"} for scope, name in rows]
        tx.connection.execute(insert(macros), values)
    uses = "a: '{{ .spectro.macro.zone }}'\n"
    mine = kept.create(profile(layer(values=uses), layer("other", "2.0.0")), project)
    shared = kept.create(profile(manifests("rules", LIMITS), name="shared"), "")
    commented = "# {{ .spectro.macro.zone }}\n"
    kept.create(profile(layer(values=commented), name="comment"), "")
    theirs = kept.create(profile(layer(values=uses), name="theirs"), other)
    attached = replace(LIMITS, content=f"{LIMITS.content}data:\n  {uses}")
    put_layers(kept, shared.uid, manifests("rules", attached))
    with hub.store.read() as connection:
        of_tenant = usage.of_macro(connection, "", "zone")
        of_project = usage.of_macro(connection, project, "zone")
        assert usage.of_macro(connection, "", "zon") == []
        usage.require_unused_macros(connection, project, ["zone"])  # the tenant's takes its place
        with pytest.raises(InUse, match=r"zone is used by 2 cluster profiles: shared 1\.0\.0"):
            usage.require_unused_macros(connection, "", ["zon", "zone"])
    assert [one.uid for one in of_tenant] == [shared.uid, theirs.uid]
    assert [(one.uid, one.layers) for one in of_project] == [(mine.uid, ("demo",))]


def test_a_registry_that_profiles_use_is_removed_by_force_and_packs_that_are_gone_stay_known(
    hub: Hub, kept: Profiles
) -> None:
    charts = Charts()
    charts.put("web", "1.0.0")
    charts.put("web", "1.1.0")
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        hub.sync(registry)
        made = kept.create(profile(layer("web", "1.0.0", type=PackType.HELM)), "")
        (web,) = made.profile.layers
        charts.drop("web", "1.0.0")
        hub.sync(registry, forced=True)
    with hub.store.write() as tx:
        assert foreign.forget(tx.connection, now() + 1, kept=usage.KEPT) == 0
        assert by_uid(tx.connection, web.uid)
    assert "holds no web:1.0.0 any more" in _standing(hub, made)[1]
    with hub.store.write() as tx, pytest.raises(InUse, match="other is used by a cluster profile"):
        registries.remove(tx, hub.vault, registry.uid)
    with hub.store.write() as tx:
        registries.remove(tx, hub.vault, registry.uid, force=True)
    assert _standing(hub, made)[1] == "The registry of web was removed."


def test_a_check_reads_charts_that_nobody_has_looked_at(hub: Hub, kept: Profiles) -> None:
    charts = Charts()
    charts.put("web", "1.0.0")
    charts.put("web", "1.1.0")
    user = (
        "one: '{{ .spectro.pack.web.charts.web.a }}'\ntwo: '{{ .spectro.pack.web.charts.web.b }}'\n"
    )
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        hub.sync(registry)
        before = len(server.requests)
        made = profile(
            layer("web", type=PackType.HELM, registry=RegistryReference(uid=registry.uid)),
            layer(values=user),
        )
        for _ in range(2):
            found = kept.compose(made, "").findings
            assert [(one.rule, one.path) for one in found] == [("macro.pack-absent", "two")]
        assert server.seen()[before:] == ["GET /web-1.0.0.tgz"]
