"""`packyard hub registry`: a hub that reads another Packyard over each of its interfaces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from packyard.cli.hub.registry_form import Kind, Said, changed, is_read
from packyard.cli.hub.registry_rows import DETAILS
from packyard.cli.hub.registry_sync import is_over, progress
from tests import live
from tests.cli.hub.conftest import Commands, login
from tests.cli.program import make_pack
from tests.hub.syncing import Charts
from tests.live import ADMIN_PASSWORD, READER, READER_PASSWORD, Live
from tests.remotes.scripted import answering

SECRET = ("--secret-stdin",)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Another Packyard, with two packs and no chart."""
    folder = tmp_path_factory.mktemp("other")
    packs = [make_pack(folder / name, name, "1.0.0") for name in ("one", "two")]
    with live.start(folder) as running:
        login(running, folder / "home", "admin", ADMIN_PASSWORD)
        Commands(folder / "home", ("pack",))("push", *packs)
        yield running


def row(admin: Commands, name: str) -> dict[str, object]:
    rows = json.loads(admin("registry", "ls", "-o", "json").out)
    (found,) = [row for row in rows if row["metadata"]["name"] == name]
    return dict(found)


def test_a_pack_registry_from_beginning_to_end(
    admin: Commands, other: Live, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text(f"{READER_PASSWORD}\n")
    words = ("registry", "add", "pack", "team", other.url, "-u", READER, "--secret-file", secret)
    assert admin(*words, "--dry-run").out.startswith("readable")
    done = admin(*words, "--watch")
    uid = done.out.removesuffix("\n")
    assert len(uid) == 24
    assert "synchronized  team" in done.err
    assert READER_PASSWORD not in json.dumps(row(admin, "team"))

    head, own, team = admin("registry", "ls").out.splitlines()
    assert head.split()[:4] == ["NAME", "KIND", "ENDPOINT", "STATUS"]
    assert own.startswith("Public Repo")
    assert team.split()[:4] == ["team", "pack", other.url, "Completed"]
    shown = admin("registry", "show", "team").out
    assert f"AS              {READER}" in shown
    assert "REPORT" not in shown
    assert json.loads(admin("registry", "show", uid, "-o", "json").out)["sync"]["items"] == []
    assert "SIGNS IN        with a password" in shown
    assert "readable  team" in admin("registry", "validate", "team").out
    assert "readable  Public Repo" in admin("registry", "validate", "Public Repo").out

    assert admin("registry", "sync", "--watch").out.split()[:2] == ["synchronized", "team"]
    (told,) = json.loads(admin("registry", "sync", "--watch", "-o", "json").out)
    assert (told["name"], told["uid"], told["items"]) == ("team", uid, [])
    assert told["status"]["status"] == "Completed"
    assert "readable: true" in admin("registry", "validate", "team", "-o", "yaml").out
    assert "Asked for team" in admin.says("registry", "sync", uid, "--force", code=0)
    admin("registry", "set", "team", "--name", "team a")
    assert "readable" in admin("registry", "validate", "team a").out  # the secret stayed
    admin("registry", "set", "team a", "-u", READER, *SECRET, stdin="another\n")
    assert "127.0.0.1" in admin.says("registry", "validate", "team a")
    failed = admin("registry", "sync", "team a", "--watch", code=1)
    assert failed.out.startswith("failed")

    assert "--yes" in admin.says("registry", "rm", "team a", code=2)
    assert "Deleted team a" in admin.says("registry", "rm", "team a", "-y", code=0)
    assert "has no registry team a." in admin.says("registry", "show", "team a")


def test_other_kinds_are_added_and_shown(admin: Commands, other: Live) -> None:
    helm = f"{other.url}/helm"
    sign_in = ("-u", READER, *SECRET)
    done = admin("registry", "add", "helm", "charts", helm, *sign_in, "-w", stdin=READER_PASSWORD)
    assert "synchronized  charts" in done.err
    words = ("oci", "packs", other.url, *sign_in, "--provider", "pack", "--later")
    admin("registry", "add", *words, stdin=READER_PASSWORD)
    aws = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    keys = (
        "--access-key",
        "AKIDEXAMPLE",
        *SECRET,
        "--content-path",
        "a",
        "--content-path",
        "b",
        "--no-sync",
    )
    admin("registry", "add", "ecr", "cloud", aws, *keys, stdin="key of it")
    role = ("--role-arn", "arn:aws:iam::123456789012:role/x", "--external-id", "e", "--no-sync")
    admin("registry", "add", "ecr", "by role", aws, *role)
    far = ("add", "helm", "far away", "https://charts.example.com", "--no-sync", "-o", "json")
    assert json.loads(admin("registry", *far).out).keys() == {"name", "uid"}
    dry = ("add", "helm", "dry", helm, *sign_in, "--dry-run", "-o", "yaml")
    assert "readable: true" in admin("registry", *dry, stdin=READER_PASSWORD).out

    kinds = [row["kind"] for row in json.loads(admin("registry", "ls", "-o", "json").out)]
    assert kinds == ["pack", "ecr", "helm", "ecr", "helm", "oci"]
    assert "kind: ecr" in admin("registry", "ls", "-o", "yaml").out
    assert json.loads(admin("registry", "show", "packs", "-o", "json").out)["kind"] == "oci"
    lines = {line.split("   ")[0]: line for line in admin("registry", "ls").out.splitlines()[1:]}
    assert list(lines) == ["Public Repo", "by role", "charts", "cloud", "far away", "packs"]
    assert "not synchronized" in lines["far away"]
    assert "not synchronized" in lines["cloud"]
    assert "not yet" in lines["packs"]
    assert "helm" in lines["charts"]
    assert "not synchronized" in admin.says("registry", "sync", "charts", "cloud")
    assert "STATUS          not synchronized" in admin("registry", "show", "far away").out
    shown = admin("registry", "show", "cloud").out
    assert "AKIDEXAMPLE" in shown
    assert "key of it" not in shown
    assert "a,b" in shown
    assert "HOLDS           charts" in shown
    assert "TLS" not in shown
    admin("registry", "set", "cloud", "--insecure")
    assert "TLS             not verified" in admin("registry", "show", "cloud").out
    admin("registry", "set", "cloud", "--content-path", "c")
    assert "CONTENT PATHS   c\n" in admin("registry", "show", "cloud").out
    assert admin("registry", "sync", "packs", "-w").out.startswith("synchronized  packs")
    assert "role/x" in admin("registry", "show", "by role", "-o", "yaml").out
    admin("registry", "rm", "charts", "packs", "cloud", "by role", "far away", "-y")


def test_of_a_long_report_a_screen_shows_the_beginning(admin: Commands) -> None:
    charts = Charts()
    charts.rows["odd"] = [{"name": "odd", "version": f"1.{n:02}.0"} for n in range(70)]
    charts.put("web", "1.0.0")
    with answering(charts) as server:
        done = admin("registry", "add", "helm", "odd", f"http://{server.host}", "--watch")
        assert "70 that could not be taken" in done.err
        assert "and 50 more, told as JSON and YAML" in done.err
        assert done.err.count("has no address") == 20
        shown = admin("registry", "show", "odd").out
        assert "REPORT          odd:1.00.0: " in shown
        assert ("odd:1.19.0" in shown, "odd:1.20.0" in shown, "and 50 more" in shown) == (
            True,
            False,
            True,
        )
        told = json.loads(admin("registry", "show", "odd", "-o", "json").out)
        assert len(told["sync"]["items"]) == 70
        (told,) = json.loads(admin("registry", "sync", "odd", "-w", "-o", "json").out)
        assert len(told["items"]) == 70
        admin("registry", "rm", "odd", "-y")


def test_packs_are_read_whatever_is_told_to_whom_waits() -> None:
    def row(provider: str, supported: bool) -> dict[str, object]:
        status = {"sync": {"isSyncSupported": supported}}
        return {"spec": {"providerType": provider}, "status": status}

    assert is_read(row("pack", supported=False))
    assert not is_read(row("zarf", supported=True))
    assert not is_read(row("helm", supported=False))
    assert is_over(row("zarf", supported=True), {})
    assert not is_over(row("pack", supported=False), {"status": {"status": "InProgress"}})


def test_how_far_one_is_is_shown_while_it_runs() -> None:
    for state, shown, drawn in (
        ("Pending", "", (0, 0)),
        ("InProgress", "25 of 300 versions", (25, 300)),
        ("Completed", "", (25, 300)),
    ):
        found = {"status": {"status": state, "progress": {"done": 25, "total": 300}}}
        assert DETAILS["PROGRESS"]({"sync": found}) == shown
        assert progress(found) == (*drawn, state)


def test_what_cannot_be_is_said_at_once(admin: Commands, other: Live) -> None:
    for words, code, said in (
        (("add", "helm", "x", "https://a.example.com", "--access-key", "K"), 2, "ecr registries"),
        (("add", "pack", "x", "h", "--no-sync"), 2, "packs are always read"),
        (("add", "oci", "x", "h", "--provider", "pack", "--no-sync"), 2, "packs are always read"),
        (("add", "pack", "x", "h", "-u", "me"), 2, "Give it by --secret-stdin"),
        (("add", "docker", "x", "h"), 2, "docker"),
        (("add", "pack", "x", other.url), 1, "127.0.0.1"),
        (("add", "helm", "x", "http://127.0.0.1:9"), 1, "127.0.0.1:9 refuses connections"),
        (("add", "oci", "x", other.url), 1, "content path"),
        (("set", "Public Repo"), 2, "Say what to change"),
        (("set", "Public Repo", "--name", "x"), 1, "own registry"),
        (("rm", "Public Repo", "-y"), 1, "own registry"),
        (("sync", "Public Rep"), 1, "Did you mean 'Public Repo'?"),
    ):
        assert said in admin.says("registry", *words, code=code)
    assert admin("registry", "sync", "Public Repo", "-w").out.startswith("synchronized")


TLS = {"enabled": True, "certificate": "PEM", "ca": "CA", "insecureSkipVerify": False}
BASIC = {"type": "basic", "username": "me", "tls": TLS}
KEYS = {"credentialType": "secret", "accessKey": "K", "partition": "aws"}
POD = {"credentialType": "pod-identity", "podIdentity": {"roleArn": "arn"}}


@pytest.mark.parametrize(
    ("kind", "spec", "said", "members"),
    [
        (Kind.HELM, {"auth": BASIC}, Said(endpoint="g"), {"endpoint": "g"}),
        (Kind.HELM, {"auth": {"type": "token", "tls": TLS}}, Said(username="u", secret="p"),
         {"auth": {"type": "basic", "username": "u", "password": "p", "tls": TLS}}),
        (Kind.HELM, {"auth": BASIC}, Said(token=True, secret="t"),
         {"auth": {"type": "token", "username": "me", "token": "t", "tls": TLS}}),
        (Kind.HELM, {"auth": BASIC}, Said(secret="new"), {"auth": {**BASIC, "password": "new"}}),
        (Kind.HELM, {"auth": BASIC}, Said(sync=False), {"isPrivate": True}),
        (Kind.PACK, {"private": True, "auth": BASIC}, Said(no_login=True),
         {"private": False, "auth": {"type": "noAuth", "tls": TLS}}),
        (Kind.PACK, {"private": True, "auth": {"type": "noAuth", "tls": TLS}},
         Said(insecure=True),
         {"auth": {"type": "noAuth", "tls": {**TLS, "insecureSkipVerify": True}}}),
        (Kind.OCI, {"auth": BASIC, "basePath": "p", "baseContentPath": "a,b"},
         Said(base_path="", content_paths=("",), authority=""),
         {"basePath": "", "baseContentPath": "", "auth": {
             **BASIC, "tls": {**TLS, "certificate": "", "ca": "", "enabled": False}}}),
        (Kind.ECR, {"credentials": POD, "tls": TLS, "isPrivate": True}, Said(region="r"),
         {"defaultRegion": "r"}),
        (Kind.ECR, {"credentials": {"credentialType": "sts", "sts": {"arn": "a"}}, "tls": TLS},
         Said(access_key="K", secret="s", partition="aws"),
         {"credentials": {**KEYS, "secretKey": "s"}}),
        (Kind.ECR, {"credentials": KEYS, "tls": TLS}, Said(role="arn", external_id="e"),
         {"credentials": {"credentialType": "sts", "sts": {"arn": "arn", "externalId": "e"},
                          "partition": "aws"}}),
    ],
)  # fmt: skip
def test_what_is_said_is_laid_over_what_stands(
    kind: Kind, spec: dict[str, object], said: Said, members: dict[str, object]
) -> None:
    spec = {"endpoint": "h", "registryUid": "", **spec}
    assert changed(kind, {"spec": spec}, said) == {**spec, **members}


def test_words_that_go_with_nothing_are_refused(admin: Commands, tmp_path: Path) -> None:
    der, plain = tmp_path / "ca.der", tmp_path / "password"
    der.write_bytes(b"\x30\x82\xb5")
    plain.write_text("pw")
    words = ("add", "helm", "x", "https://a.example.com")
    for more, said in (
        (("--ca-file", der), "holds no certificate in PEM form"),
        (("-u", "me", "--secret-file", der), "is no text in UTF-8"),
        (("--secret-file", plain), "A secret of whom?"),
        (("-u", "me", "--token", "--no-login"), "--username and --token and --no-login exclude"),
        (("-u", ""), "--username is empty"),
    ):
        assert said in admin.says("registry", *words, *more, code=2)
    ecr = ("add", "ecr", "x", "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "--external-id", "e")
    assert "say --access-key or --role-arn" in admin.says("registry", *ecr, code=2)
    key = ("--access-key", "K", *SECRET)
    assert "An external id of whom?" in admin.says("registry", *ecr, *key, code=2, stdin="s")
    admin("registry", *ecr, "--role-arn", "arn:aws:iam::123456789012:role/x", "--no-sync")
    for word, private in (("--public", False), ("--private", True)):
        admin("registry", "set", "x", word)
        shown = json.loads(admin("registry", "show", "x", "-o", "json").out)["spec"]
        assert (shown["isPrivate"], shown["credentials"]["sts"]["externalId"]) == (private, "e")
    assert "A secret of whom?" in admin.says("registry", "set", "x", *SECRET, code=2, stdin="s")
    unknown = admin.says("registry", "set", "y", "--access-key", "K")
    assert "has no registry y" in unknown  # before it asks for the secret
    admin("registry", "rm", "x", "-y")
