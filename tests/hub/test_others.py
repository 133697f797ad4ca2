"""Registries as they are in the field, synchronized by the server's own background process: another
Packyard, both programs of the distribution registry filled by oras and helm, ECR by moto."""

from __future__ import annotations

import io
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from packyard.auth.keyring import FILE
from packyard.auth.secrets import Secrets
from packyard.hub import schedule
from packyard.hub.description import Auth, Aws, Kind, Provider, Registry
from packyard.packs import lint
from packyard.packs.archive import read_archive, write_archive
from packyard.remotes.address import parse_address
from packyard.remotes.challenge import Credentials
from packyard.remotes.client import Client
from packyard.storage.store import Store
from tests import live
from tests.hub.syncing import Hub
from tests.packs import samples
from tests.remotes.content import push_chart, push_pack
from tests.remotes.distribution import PASSWORD, USER, running

LOGIN = Auth(kind="basic", username=USER, password=PASSWORD)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A running server, whose background process does what is due; its hub, to look at."""
    config = {"hub": {"networks": ["127.0.0.0/8"]}}
    with live.start(tmp_path_factory.mktemp("hub"), config=config) as server:
        store = Store.open(server.root)
        yield Hub(store, vault=Secrets.load(file=server.root / FILE))
        store.close()


def completed(hub: Hub, registry: Registry) -> str:
    """The message of its synchronization, once it is there."""
    deadline = time.monotonic() + 30
    while (status := hub.status(registry)).status != "Completed":
        assert status.status != "Failed", status.message
        assert time.monotonic() < deadline, status
        time.sleep(0.05)
    return status.message


def test_another_packyard_is_read_whole(server: Hub, tmp_path: Path) -> None:
    config = {"starterpacks": {"enabled": True}}
    with live.start(tmp_path, config=config) as other:
        packs = server.add(
            other.url,
            Kind.PACK,
            name="packs",
            auth=Auth(kind="basic", username="admin", password=other.admin_password),
        )
        assert completed(server, packs).endswith("0 gone.")
        held = server.held(packs)
        assert {"kubernetes", "cni-flannel", "prometheus"} <= {name for name, _ in held}
        assert all(server.contents(entry).values for entry in held.values())
        charts = server.add(
            f"{other.url}/helm",
            name="charts",
            auth=Auth(kind="basic", username="admin", password=other.admin_password),
        )
        completed(server, charts)
        assert not server.faults(charts)


@pytest.mark.clients("oras", "helm")
@pytest.mark.parametrize("name", ["registry", "docker-registry"])
def test_what_oras_and_helm_pushed_is_read(server: Hub, name: str, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}

    def run(*words: str) -> None:
        done = subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def push(version: str) -> None:
        files = samples.pack(version=version)
        archive = io.BytesIO()
        write_archive(files, f"sample-{version}", archive)
        (tmp_path / f"sample-{version}.tar.gz").write_bytes(archive.getvalue())
        kind = "application/vnd.oci.image.layer.v1.tar"
        place = f"{host}/base/spectro-packs/archive/sample:{version}"
        file = f"sample-{version}.tar.gz:{kind}"
        run("oras", "push", "--plain-http", "-u", USER, "-p", PASSWORD, place, file)

    with running(tmp_path, login=True, name=name) as host:
        push("1.2.3")
        (tmp_path / "web-1.0.0.tgz").write_bytes(samples.chart("web"))
        login = ("--username", USER, "--password", PASSWORD)
        run("helm", "push", "--plain-http", *login, "web-1.0.0.tgz", f"oci://{host}/charts")
        packs = server.add(
            f"http://{host}",
            Kind.OCI,
            name=f"{name} packs",
            provider=Provider.PACK,
            base_content_path="base",
            auth=LOGIN,
        )
        charts = server.add(
            f"http://{host}",
            Kind.OCI,
            name=f"{name} charts",
            base_content_path="charts",
            is_sync_supported=True,
            auth=LOGIN,
        )
        completed(server, packs)
        completed(server, charts)
        assert list(server.held(packs)) == [("sample", "1.2.3")]
        (entry,) = server.held(charts).values()
        assert (entry.name, entry.version) == ("web", "1.0.0")
        assert server.contents(entry).values == "charts:\n  web:\n    a: 1\n"
        push("1.3.0")
        with server.store.write() as tx:
            schedule.ask(tx, packs.uid, server.times)
        completed(server, packs)
        assert sorted(server.tags(packs, "sample")) == ["1.2.3", "1.2.x", "1.3.0", "1.3.x", "1.x"]


def test_real_packs_are_read_as_they_are(server: Hub, real_packs: Path, tmp_path: Path) -> None:
    chosen = sorted(real_packs.glob("*.tar.gz"), key=lambda path: path.stat().st_size)[::5]
    with running(tmp_path) as host:
        expected = set()
        with Client(parse_address(host)) as client:
            for path in chosen:
                files = read_archive(io.BytesIO(path.read_bytes()))
                pack, _ = lint.check(files, allow_missing=True)
                assert pack is not None
                push_pack(client, files)
                expected.add((pack.name, pack.label))
        registry = server.add(f"http://{host}", Kind.OCI, name="real packs", provider=Provider.PACK)
        completed(server, registry)
        assert set(server.held(registry)) == expected
        assert not server.faults(registry)


def test_ecr_is_read_with_its_own_login(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    aws.start()
    address, port = aws.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{address}:{port}")
    keys = {"aws_access_key_id": "AKIATEST", "aws_secret_access_key": "hush-secret"}
    api = boto3.client("ecr", region_name="eu-central-1", **keys)
    api.create_repository(repositoryName="charts/web")
    try:
        with running(tmp_path, login=("AWS", "123456789012-auth-token")) as host:
            with Client(
                parse_address(host), Credentials("AWS", "123456789012-auth-token")
            ) as client:
                push_chart(client, "web", "1.0.0")
            registry = hub.add(
                host,
                Kind.ECR,
                base_content_path="charts",
                is_private=True,
                is_sync_supported=True,
                aws=Aws(
                    kind="secret",
                    access_key="AKIATEST",
                    secret_key="hush-secret",
                    region="eu-central-1",
                ),
            )
            assert hub.sync(registry).message == "1 versions, 1 new or changed, 0 gone."
            assert list(hub.held(registry)) == [("web", "1.0.0")]
    finally:
        aws.stop()
