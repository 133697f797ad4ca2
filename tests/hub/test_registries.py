"""Registries: described, checked, kept with their secrets sealed, validated."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from packyard.auth.tables import secrets
from packyard.catalog.tables import packs
from packyard.errors import Conflict, RegistryInvalid, RegistryUnknown
from packyard.hub import opening, registries, schedule
from packyard.hub.description import (
    MASK,
    Auth,
    Aws,
    Kind,
    Provider,
    Registry,
    Tls,
    faults,
    with_kept_secrets,
)
from packyard.hub.tables import registries as rows
from tests.hub.syncing import Charts, Hub, settings
from tests.live import free_port
from tests.remotes.scripted import Reply, answering

LOGIN = Auth(kind="basic", username="me", password="hush-hush")


def described(**more: Any) -> Registry:
    fields: dict[str, Any] = {
        "name": "charts",
        "kind": Kind.HELM,
        "provider": Provider.HELM,
        "endpoint": "https://charts.example/stable",
    }
    return Registry(**{**fields, **more})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"name": " "}, "The name must have 1 to 255 characters."),
        ({"name": "a\nb"}, "The name must hold no line breaks"),
        ({"endpoint": "ftp://x"}, "The endpoint cannot be used: 'ftp' is no scheme"),
        ({"auth": Auth(kind="magic")}, "'magic' is no type of authentication"),
        ({"auth": Auth(kind="basic")}, "Basic authentication needs a user name."),
        ({"kind": Kind.OCI, "is_sync_supported": True}, "a base content path is required"),
        ({"kind": Kind.ECR, "is_private": True}, "'' is no type of AWS credentials"),
        (
            {"kind": Kind.ECR, "is_private": True, "aws": Aws(kind="secret", secret_key="s")},
            "An access key is",
        ),
        (
            {"kind": Kind.ECR, "is_private": True, "aws": Aws(kind="secret", access_key="A")},
            "A secret key is",
        ),
        (
            {
                "kind": Kind.ECR,
                "is_private": True,
                "aws": Aws(kind="secret", access_key="A", secret_key=MASK),
            },
            "A secret key is",
        ),
        ({"kind": Kind.OCI, "base_content_path": "charts, ../UP"}, "'../UP' is no path of"),
        ({"kind": Kind.OCI, "base_path": "a b", "base_content_path": "c"}, "'a b/c' is no path"),
        ({"kind": Kind.ECR, "is_private": True, "aws": Aws(kind="sts")}, "The ARN of the role is"),
    ],
)
def test_faults_of_a_description_are_named(more: dict[str, Any], said: str) -> None:
    (fault,) = faults(described(**more))
    assert said in fault


def test_all_faults_are_named_at_once(hub: Hub) -> None:
    with hub.store.write() as tx, pytest.raises(RegistryInvalid) as refused:
        registries.add(tx, hub.vault, described(name="", endpoint="", auth=Auth(kind="basic")))
    assert all(word in str(refused.value) for word in ("name", "endpoint", "user name"))


@pytest.mark.parametrize(
    ("more", "synchronizes"),
    [
        ({}, True),
        ({"is_private": True}, False),
        ({"kind": Kind.OCI}, False),
        ({"kind": Kind.OCI, "is_sync_supported": True}, True),
        ({"kind": Kind.OCI, "provider": Provider.PACK}, True),
        ({"kind": Kind.PACK, "provider": Provider.PACK, "is_private": True}, True),
        ({"kind": Kind.OCI, "provider": Provider.ZARF, "is_sync_supported": True}, False),
    ],
)
def test_which_registries_synchronize(more: dict[str, Any], synchronizes: bool) -> None:
    assert described(**more).synchronizes is synchronizes


@pytest.mark.parametrize(
    ("base", "content", "bases"),
    [
        ("", "", [""]),
        ("/team/", "", ["team"]),
        ("", "a, b/c/,,", ["a", "b/c"]),
        ("team", "a,b", ["team/a", "team/b"]),
    ],
)
def test_the_paths_below_which_content_stands(base: str, content: str, bases: list[str]) -> None:
    assert described(base_path=base, base_content_path=content).bases == bases


def test_a_registry_is_kept_verbatim_and_its_secrets_sealed(hub: Hub) -> None:
    aws = Aws(kind="secret", access_key="AKIA", secret_key="hush-key", region="eu-west-1")
    tls = Tls(enabled=True, certificate="PEM", key="hush-tls", skip_verify=True)
    said = {"labels": {"team": "a"}, "annotations": {"description": "Ours."}}
    paths = {"base_path": "a/", "base_content_path": "b, c"}
    given = described(auth=LOGIN, aws=aws, tls=tls, **paths, **said)
    with hub.store.write() as tx:
        kept = registries.add(tx, hub.vault, given)
    assert len(kept.uid) == 24
    with hub.store.read() as connection:
        assert registries.get(connection, hub.vault, kept.uid) == kept
        assert replace(kept, uid="", created_at=0, changed_at=0) == given
        (listed,) = registries.every(connection)
        assert (listed.name, listed.auth.username, listed.auth.password) == ("charts", "me", "")
        assert registries.every(connection, Kind.OCI) == []
        everything = repr([connection.execute(table.select()).all() for table in (rows, secrets)])
    assert "hush" not in everything
    assert "hush" not in repr(kept)


def test_a_name_is_given_once(hub: Hub) -> None:
    with hub.store.write() as tx:
        one = registries.add(tx, hub.vault, described())
        other = registries.add(tx, hub.vault, described(name="other"))
        with pytest.raises(Conflict, match="'charts' already"):
            registries.add(tx, hub.vault, described())
        with pytest.raises(Conflict):
            registries.change(tx, hub.vault, replace(other, name="charts"))
        registries.change(tx, hub.vault, replace(one, endpoint="https://other.example"))
        registries.remove(tx, hub.vault, one.uid)
        registries.add(tx, hub.vault, described())


@pytest.mark.parametrize(
    ("auth", "password"),
    [
        (Auth(kind="basic", username="me"), "hush-hush"),
        (Auth(kind="basic", username="me", password=MASK), "hush-hush"),
        (Auth(kind="basic", username="me", password="new"), "new"),
        (Auth(kind="basic", username="you"), ""),
        (Auth(kind="basic", username="you", password=MASK), ""),
        (Auth(kind="token", username="me"), ""),
    ],
)
def test_a_secret_that_is_not_given_stays_for_the_same_user(
    hub: Hub, auth: Auth, password: str
) -> None:
    with hub.store.write() as tx:
        kept = registries.add(tx, hub.vault, described(auth=LOGIN))
        changed = registries.change(tx, hub.vault, replace(kept, auth=auth, tls=Tls(ca="PEM")))
        assert changed.auth.password == password
        assert registries.get(tx.connection, hub.vault, kept.uid) == changed


@pytest.mark.parametrize(
    ("former", "endpoint", "said"),
    [
        ("https://charts.example/stable", "https://charts.example/other", ""),
        ("https://charts.example", "charts.example", ""),
        ("http://charts.example", "https://charts.example", ""),
        ("https://charts.example", "http://charts.example", "is reached less safely than before"),
        ("https://charts.example", "https://charts.example:8443", "is another server: give it"),
        ("https://charts.example", "https://others.example", "is another server: give it again"),
        ("12.dkr.ecr.eu-west-1.example.com", "13.dkr.ecr.eu-west-1.example.com", "another server"),
    ],
)
def test_a_secret_goes_to_no_other_server_than_it_was_given_for(
    former: str, endpoint: str, said: str
) -> None:
    before = described(auth=LOGIN, endpoint=former)
    unsaid = described(auth=replace(LOGIN, password=MASK), endpoint=endpoint)
    if said:
        with pytest.raises(RegistryInvalid, match=said):
            with_kept_secrets(unsaid, before)
    else:
        assert with_kept_secrets(unsaid, before).auth == LOGIN
    again = described(auth=replace(LOGIN, password="new"), endpoint=endpoint)
    assert with_kept_secrets(again, before).auth.password == "new"
    stranger = described(endpoint=endpoint)
    assert with_kept_secrets(stranger, before).auth.password == ""


def test_keys_of_aws_stay_for_the_same_access_key() -> None:
    former = described(aws=Aws(kind="secret", access_key="A", secret_key="s", region="x"))
    same = described(aws=Aws(kind="secret", access_key="A", region="y"))
    other = described(aws=Aws(kind="secret", access_key="B", region="x"))
    assert with_kept_secrets(same, former).aws.secret_key == "s"
    assert with_kept_secrets(other, former).aws.secret_key == ""


def test_a_registry_that_goes_takes_all_of_its_own_with_it(hub: Hub) -> None:
    charts = Charts()
    charts.put("web", "1.0.0")
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}", auth=LOGIN)
        hub.sync(registry)
    with hub.store.write() as tx:
        registries.remove(tx, hub.vault, registry.uid)
        assert tx.connection.execute(packs.select()).all() == []
        assert hub.vault.owners(tx.connection, "registry/") == []
        with pytest.raises(RegistryUnknown):
            registries.get(tx.connection, hub.vault, registry.uid)
        with pytest.raises(RegistryUnknown):
            registries.remove(tx, hub.vault, registry.uid)


def test_the_kind_of_a_registry_does_not_change(hub: Hub) -> None:
    with hub.store.write() as tx:
        kept = registries.add(tx, hub.vault, described())
        with pytest.raises(RegistryUnknown):
            registries.change(tx, hub.vault, replace(kept, kind=Kind.OCI))


# Validation.


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"kind": Kind.PACK, "endpoint": "http://127.0.0.1:1/charts"}, "named without a path"),
        ({"endpoint": f"http://127.0.0.1:{free_port()}"}, "refuses connections"),
        ({"endpoint": "http://169.254.169.254/latest"}, "is link-local"),
        ({"tls": Tls(certificate="x")}, "The certificate to trust for charts.example cannot be"),
        (
            {"kind": Kind.ECR, "is_private": True, "aws": Aws(kind="secret", access_key="A")},
            "The AWS region of the registry is not known",
        ),
    ],
)
def test_validation_tells_the_exact_reason(more: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistryInvalid, match=said):
        opening.probe(described(**more), settings())


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"kind": Kind.OCI, "provider": Provider.ZARF}, "Zarf packages are not read yet"),
        ({"kind": Kind.ECR, "provider": Provider.PACK}, "Public ECR registries are not read yet"),
        (
            {"kind": Kind.ECR, "is_private": True, "aws": Aws(kind="pod-identity")},
            "ECR by pod identity is not read yet",
        ),
    ],
)
def test_kinds_that_come_later_are_kept_and_say_so(
    hub: Hub, more: dict[str, Any], said: str
) -> None:
    with answering(lambda _: Reply()) as server:
        registry = described(endpoint=f"http://{server.host}", **more)
        opening.probe(registry, settings())
        assert set(server.seen()) <= {"GET /v2/"}
        registry = hub.add(**{**more, "endpoint": registry.endpoint})
        status = hub.sync(registry)
    assert (status.status, status.message.startswith(said)) == ("Failed", True)


def test_no_password_of_aws_is_asked_for_to_be_sent_to_strangers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = Aws(kind="secret", access_key="A", secret_key="hush-hush", region="eu-west-1")
    with answering(lambda _: Reply(500)) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{aws.host}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        for host, said in (
            ("8.8.8.8", "may learn the password"),
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "no password is sent unencrypted"),
            (aws.host, "500"),
        ):
            registry = described(
                kind=Kind.ECR, is_private=True, aws=keys, endpoint=f"http://{host}"
            )
            assert not aws.requests
            with pytest.raises(RegistryInvalid, match=said):
                opening.probe(registry, settings())


def test_charts_that_have_to_be_there_are_looked_for() -> None:
    charts = Charts()
    charts.put("web", "1.0.0")
    with answering(charts) as server:
        registry = described(endpoint=f"http://{server.host}")
        opening.require_charts(registry, settings(), [("web", "1.0.0"), ("web", "")])
        with pytest.raises(RegistryInvalid, match=r"does not hold db, web 2\.0\.0\."):
            opening.require_charts(registry, settings(), [("web", "2.0.0"), ("db", "")])
    with pytest.raises(RegistryInvalid, match="refuses connections"):
        opening.require_charts(registry, settings(), [("web", "")])


def test_a_private_repository_is_read_once_and_stays_out_of_the_catalog(hub: Hub) -> None:
    charts = Charts()
    charts.put("web", "1.0.0")
    charts.put("web", "1.1.0")
    with answering(charts) as server:
        registry = hub.add(f"http://{server.host}")
        hub.sync(registry)
        assert hub.held(registry)
        with hub.store.write() as tx:
            registry = registries.change(tx, hub.vault, replace(registry, is_private=True))
            schedule.reset(tx, registry.uid, due=True)
        assert hub.held(registry) == {}
        status = hub.sync(registry)
        assert status.message == "It has 2 versions of 1 chart, and is not synchronized."
        assert hub.held(registry) == {}
    assert hub.sync(registry).status == "Failed"
    with hub.store.read() as connection:
        assert schedule.next_due(connection) is None


def test_what_another_registry_refuses_is_no_refusal_of_ours() -> None:
    replies = iter([Reply(status) for status in (401, 403, 404, 405, 409, 500)])
    with answering(lambda _: next(replies)) as server:
        registry = described(endpoint=f"http://{server.host}")
        for _ in range(6):
            with pytest.raises(RegistryInvalid):
                opening.probe(registry, settings())


def test_private_networks_have_to_be_allowed() -> None:
    with answering(Charts()) as server:
        registry = described(endpoint=f"http://{server.host}")
        opening.probe(registry, settings())
        with pytest.raises(RegistryInvalid, match=r"name its network in `hub\.networks`"):
            opening.probe(registry, settings(networks=()))
