"""What the pages on registries tell people to type is typed here, at registries as they are in the
field: another Packyard, the distribution registry with what oras and helm pushed, a Helm repository
of static files, ECR by moto. Afterwards the catalog has what they hold.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import boto3
import pytest

from packyard.packs import lint
from packyard.packs.archive import read_archive
from packyard.packs.folder import write_folder
from packyard.remotes.address import parse_address
from packyard.remotes.challenge import Credentials
from packyard.remotes.client import Client
from tests import live
from tests.aws import running as account
from tests.hub.syncing import Charts
from tests.live import ADMIN_PASSWORD, READER, READER_PASSWORD, Live
from tests.packs import samples
from tests.remotes.content import push_chart, push_pack
from tests.remotes.distribution import PASSWORD, USER, running
from tests.remotes.scripted import answering
from tests.server.hub.conftest import Caller
from tests.server.hub.registries.conftest import created, held, settled
from tests.test_docs import FENCE, ROOT, console_lines

REGION = "eu-west-1"
AWS_LOGIN = Credentials("AWS", "123456789012-auth-token")  # moto's
OCI, ECR = "registry.example.com", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
HUB, OTHER = "packyard.example.com", "packs.example.com"
SCRIPTS = ROOT / "docs/scripts.md"
EXPORTED = f"export HUB=https://{HUB} KEY=$(cat key.txt)"


@dataclass
class Reader:
    """Types what a page says, in a folder with the files that it names; `places` are the servers
    that stand for those of the page, `host:port`, all without TLS."""

    folder: Path
    places: dict[str, str]
    secret: str = ""
    """The one of the registry, in place of "open sesame"."""

    def knows(self, secret: str, file: str = "password.txt") -> None:
        self.secret = secret
        (self.folder / file).write_text(secret)

    def at_home(self, text: str) -> str:
        for host, place in self.places.items():
            text = text.replace(f"https://{host}", f"http://{place}").replace(host, place)
        return text

    def type(self, page: str, *more: str) -> str:
        """The page's commands, after those that all pages begin with, and before `more`; its JSON
        is `spec.json`."""
        blocks = FENCE.findall((ROOT / "docs" / page).read_text())
        for language, body in blocks:
            if language == "json":
                spec = self.at_home(body).replace("open sesame", self.secret)
                (self.folder / "spec.json").write_text(spec)
        begun = islice(console_lines(ROOT / "docs/registries.md"), 3)
        return self.run("\n".join([*begun, *console_lines(ROOT / "docs" / page), *more]))

    def run(self, script: str) -> str:
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.at_home(script)],
            cwd=self.folder,
            env={"PATH": path, "HOME": str(self.folder), "PYTHONPATH": str(ROOT / "src")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": REGION}
    with account() as url:
        boto3.client("ecr", endpoint_url=url, **keys).create_repository(repositoryName="charts/web")
        yield url


@pytest.fixture(scope="module")
def server(aws: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    config = {"hub": {"networks": ["127.0.0.0/8"], "rate": 10_000}}
    environment = {
        "AWS_ENDPOINT_URL": aws,
        "AWS_ACCESS_KEY_ID": "of-this-server",
        "AWS_SECRET_ACCESS_KEY": "of-this-server",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    folder = tmp_path_factory.mktemp("server")
    with live.start(folder, workers=2, config=config, env=environment) as started:
        yield started


@pytest.fixture
def reader(server: Live, tmp_path: Path) -> Reader:
    """Ann, an administrator."""
    (tmp_path / "login.txt").write_text(f"{ADMIN_PASSWORD}\n")
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "packyard"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m packyard "$@"\n')
    program.chmod(0o755)
    return Reader(tmp_path, {HUB: server.host, " ann": " admin", '"ann"': '"admin"'})


def without_tls(reader: Reader, name: str) -> None:
    """Let a program speak plain HTTP when it pushes, as the servers here do."""
    program = reader.folder / "bin" / name
    program.write_text(f'#!/bin/sh\nPATH=${{PATH#*:}}\nexec {name} "$@" --plain-http\n')
    program.chmod(0o755)


def uid_of(admin: Caller, name: str) -> str:
    items = admin("GET", "/v1/registries/metadata").json()["items"]
    return str(next(item["uid"] for item in items if item["name"] == name))


@pytest.fixture(autouse=True)
def forgotten(admin: Caller) -> Iterator[None]:
    """What a page made is gone after its test."""
    yield
    for item in admin("GET", "/v1/registries/metadata").json()["items"]:
        if not item["isDefault"]:
            assert admin("DELETE", f"/v1/registries/{item['uid']}").status_code == 204
    for item in admin("GET", "/v1/apiKeys").json()["items"]:
        if item["metadata"]["name"] == "scripts":
            assert admin("DELETE", f"/v1/apiKeys/{item['metadata']['uid']}").status_code == 204


@pytest.mark.clients("curl", "jq")
def test_a_helm_repository(server: Live, admin: Caller, reader: Reader) -> None:
    charts = Charts()
    charts.put("web", "1.0.0")
    charts.put("web", "1.1.0")
    charts.rows["web"].append({"name": "web", "version": "2.0.0"})  # without an archive
    with answering(charts) as repository:
        reader.places["charts.example.com"] = repository.host
        reported = reader.type("registries/helm.md")
        for name in ("stable", "more charts"):
            settled(admin, f"/v1/registries/helm/{uid_of(admin, name)}/sync/status")
            assert held(server, uid_of(admin, name)) == {("web", "1.0.0"), ("web", "1.1.0")}
        report = admin("GET", f"/v1/registries/{uid_of(admin, 'stable')}/sync/report").json()
        (broken,) = report["items"]
        assert (broken["name"], broken["tag"]) == ("web", "2.0.0")
        assert broken["reason"] in reported
        assert held(server, uid_of(admin, "inside")) == set()


@pytest.mark.clients("curl", "jq")
def test_a_pack_registry(
    server: Live, admin: Caller, reader: Reader, tmp_path_factory: pytest.TempPathFactory
) -> None:
    config = {"starterpacks": {"enabled": True}}
    reader.knows(READER_PASSWORD)
    with live.start(tmp_path_factory.mktemp("other"), config=config) as other:
        reader.places[OTHER] = other.host
        reader.type("registries/pack.md")
        for name in ("team", "more packs"):
            status = settled(admin, f"/v1/registries/pack/{uid_of(admin, name)}/sync/status")
            assert status["status"] == "Completed"
            found = {pack for pack, _ in held(server, uid_of(admin, name))}
            assert {"kubernetes", "cni-flannel", "prometheus"} <= found
        auth = {"type": "basic", "username": READER, "password": READER_PASSWORD}
        body = {"metadata": {"name": "x"}, "spec": {"endpoint": f"{other.url}/helm", "auth": auth}}
        uid = created(admin("POST", "/v1/registries/helm", body))
        assert settled(admin, f"/v1/registries/helm/{uid}/sync/status")["status"] == "Completed"
        assert held(server, uid)
        assert admin("GET", f"/v1/registries/{uid}/sync/report").json()["items"] == []


@pytest.mark.clients("curl", "jq", "helm")
@pytest.mark.parametrize("program", ["registry", "docker-registry"])
def test_an_oci_registry(
    server: Live, admin: Caller, reader: Reader, program: str, tmp_path: Path
) -> None:
    reader.knows(PASSWORD)
    (reader.folder / "web-1.0.0.tgz").write_bytes(samples.chart("web"))
    without_tls(reader, "helm")
    with running(tmp_path, login=True, name=program) as host:
        with Client(parse_address(host), Credentials(USER, PASSWORD)) as client:
            push_pack(client, samples.pack(), base="team")
        reader.places[OCI] = host
        reader.run(f"helm registry login {OCI} -u {USER} --password-stdin < password.txt")
        reader.type("registries/oci.md")
        settled(admin, f"/v1/registries/oci/{uid_of(admin, 'more')}/basic/sync/status")
        assert held(server, uid_of(admin, "packs")) == {("sample", "1.2.3")}
        for name in ("charts", "more"):
            assert held(server, uid_of(admin, name)) == {("web", "1.0.0")}


@pytest.mark.clients("curl", "jq")
def test_ecr(server: Live, admin: Caller, reader: Reader, tmp_path: Path) -> None:
    reader.knows("hush-secret", "secret-key.txt")
    with running(tmp_path, login=(AWS_LOGIN.username, AWS_LOGIN.password)) as host:
        with Client(parse_address(host), AWS_LOGIN) as client:
            push_chart(client, "web", "1.0.0")
        reader.places[ECR] = host
        reader.type("registries/ecr.md")
        settled(admin, f"/v1/registries/oci/{uid_of(admin, 'more')}/ecr/sync/status")
        for name in ("aws", "aws-role", "more"):
            assert held(server, uid_of(admin, name)) == {("web", "1.0.0")}


@pytest.mark.clients("curl", "jq", "oras")
def test_scripts(server: Live, admin: Caller, reader: Reader, tmp_path: Path) -> None:
    """A pack is pushed, synchronized and waited for; then everybody finds it."""
    (reader.folder / "key.txt").write_text(admin.key)
    without_tls(reader, "oras")
    for version, said in (("1.3.0", "1.3.0"), ("1.4.0", "1.3.0")):
        files = samples.pack(version=said)
        write_folder(files, reader.folder / f"sample-{version}")
    script = next(body for kind, body in FENCE.findall(SCRIPTS.read_text()) if kind == "sh")
    with running(tmp_path, login=True) as host:
        reader.places[OCI] = host
        (reader.folder / "release-pack").write_text(reader.at_home(script))
        with Client(parse_address(host), Credentials(USER, PASSWORD)) as client:
            push_pack(client, samples.pack(version="1.2.3"), base="team")
        spec = {
            "endpoint": f"http://{host}",
            "providerType": "pack",
            "baseContentPath": "team",
            "auth": {"type": "basic", "username": USER, "password": PASSWORD},
        }
        body = {"metadata": {"name": "team packs"}, "spec": spec}
        uid = created(admin("POST", "/v1/registries/oci/basic", body))
        reader.run(f"oras login {OCI} -u {USER} -p '{PASSWORD}'")
        listed = reader.type("scripts.md", f"{EXPORTED}; sh release-pack sample 1.3.0")
        assert listed.endswith("sample 1.3.0 can be chosen\n")
        found = admin("GET", f"/v1/packs/sample/registries/{uid}?cloudType=all").json()
        assert {tag["tag"] for tag in found["tags"]} >= {"1.2.3", "1.3.0", "1.3.x", "1.x"}
        reader.run(f"{EXPORTED}; timeout 5 sh release-pack sample 1.4.0 || test $? = 124")
        (item,) = admin("GET", f"/v1/registries/{uid}/sync/report").json()["items"]
        assert (item["name"], item["tag"]) == ("sample", "1.4.0")
        assert "pack.json says 1.3.0" in item["reason"]
    search = {"filter": {"type": ["spectro", "oci"], "name": {"eq": "sample"}}, "sort": []}
    (hit,) = admin("POST", "/v1/packs/search?limit=100", search).json()["items"]
    assert [one["uid"] for one in hit["spec"]["registries"]] == [uid]


def read_real_packs(server: Live, admin: Caller, other: Live, paths: Iterable[Path]) -> None:
    """Put them into another Packyard, and read that one."""
    expected = set()
    login = Credentials("admin", other.admin_password)
    with Client(parse_address(other.host), login) as client:
        for path in paths:
            files = read_archive(io.BytesIO(path.read_bytes()))
            pack, _ = lint.check(files, allow_missing=True)
            assert pack is not None
            push_pack(client, files)
            expected.add((pack.name, pack.version))
    auth = {"type": "basic", "username": "admin", "password": other.admin_password}
    body = {"metadata": {"name": "real"}, "spec": {"endpoint": other.url, "auth": auth}}
    uid = created(admin("POST", "/v1/registries/pack", body))
    status = settled(admin, f"/v1/registries/pack/{uid}/sync/status", 120)
    assert status["message"] == f"{len(expected)} versions, {len(expected)} new or changed, 0 gone."
    assert held(server, uid) == expected
    assert admin("GET", f"/v1/registries/{uid}/sync/report").json()["items"] == []


def test_real_packs(server: Live, admin: Caller, real_packs: Path, tmp_path: Path) -> None:
    chosen = sorted(real_packs.glob("*.tar.gz"), key=lambda path: path.stat().st_size)[::5]
    with live.start(tmp_path) as other:
        read_real_packs(server, admin, other, chosen)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_all_real_packs(server: Live, admin: Caller, real_packs: Path, tmp_path: Path) -> None:
    with live.start(tmp_path) as other:
        read_real_packs(server, admin, other, real_packs.glob("*.tar.gz"))
