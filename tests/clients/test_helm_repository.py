"""helm 4 and 3 with the Helm repository, over TLS with an authority of one's own.

Whatever way a chart came, every other protocol gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from packyard.packs.artifact import repository
from packyard.packs.files import File
from tests.clients.shell import Shell
from tests.registry.conftest import archive_of, pack_files
from tests.secured import Secured

pytestmark = pytest.mark.clients("helm", "helm3", "gpg", "curl")

_serial = count(1)
OCI = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture(scope="session")
def keyring(tmp_path_factory: pytest.TempPathFactory, secured: Secured) -> Path:
    """A folder with secret.gpg and public.gpg, the two halves of the signer's key."""
    folder = tmp_path_factory.mktemp("keys")
    shell = Shell(folder, secured.server)
    shell.extra["GNUPGHOME"] = str(folder)
    folder.chmod(0o700)
    make = ("--quick-gen-key", "Signer <signer@example.com>", "rsa2048", "sign", "never")
    shell.run("gpg", "--batch", "--quiet", "--passphrase", "", *make)
    shell.run("gpg", "--batch", "--export-secret-keys", "--output", "secret.gpg")
    shell.run("gpg", "--batch", "--export", "--output", "public.gpg")
    return folder


@dataclass(frozen=True, slots=True)
class Repository:
    """The repository as a person with that `helm` and a fresh home uses it."""

    helm: str
    shell: Shell
    authority: Path
    http: httpx.Client
    keyring: Path
    name: str
    """Of a chart that no other test pushes."""

    @property
    def url(self) -> str:
        return f"{self.shell.server.url}/helm"

    @property
    def trust(self) -> tuple[str, str]:
        return "--ca-file", str(self.authority)

    def run(self, *words: str | Path) -> str:
        return self.shell.run(self.helm, *words)

    def add(self) -> None:
        """As the team's repository, with the admin's credentials."""
        words = ("repo", "add", "team", self.url, "--username", "admin", "--password-stdin")
        self.shell.run(self.helm, *words, *self.trust, text=self.shell.server.admin_password)

    def log_in(self) -> None:
        words = (self.shell.host, "-u", "admin", "--password-stdin", *self.trust)
        self.shell.run(
            self.helm, "registry", "login", *words, text=self.shell.server.admin_password
        )

    def package(self, version: str, *more: str | Path) -> Path:
        chart = self.shell.home / self.name
        (chart / "templates").mkdir(parents=True, exist_ok=True)
        (chart / "Chart.yaml").write_text(
            f"apiVersion: v2\nname: {self.name}\nversion: {version}\nappVersion: 1.10\n"
            "description: 'A chart <of> the test & more'\nhome: https://example.com\n"
            "keywords: [searched]\nmaintainers: [{name: Ann, email: ann@example.com}, {name: Bo}]\n"
            "annotations: {example.com/b: 'yes', example.com/a: '2'}\n"
        )
        (chart / "values.yaml").write_text("text: hello\n")
        (chart / "templates" / "map.yaml").write_text(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: demo}\n"
            "data: {text: {{ .Values.text | quote }}}\n"
        )
        self.run("package", chart, *more)
        return self.shell.home / f"{self.name}-{version}.tgz"

    def signed(self, version: str) -> Path:
        key = ("--sign", "--key", "signer", "--keyring", self.keyring / "secret.gpg")
        return self.package(version, *key)

    def upload(self, *words: str) -> str:
        """By curl, as ChartMuseum's documentation says."""
        user = f"admin:{self.shell.server.admin_password}"
        how = ("-sS", "--fail-with-body", "--cacert", str(self.authority), "-u", user)
        return self.shell.run("curl", *how, *words, f"{self.url}/api/charts")

    def entry(self, version: str) -> dict[str, Any]:
        index = self.http.get("/helm/index.yaml").json()["entries"]
        (found,) = (entry for entry in index[self.name] if entry["version"] == version)
        return dict(found)

    def manifest(self, repo: str, tag: str) -> dict[str, Any]:
        answer = self.http.get(f"/v2/{repo}/manifests/{tag}", headers={"accept": OCI})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture(params=["helm", "helm3"])
def repo(
    request: pytest.FixtureRequest, secured: Secured, keyring: Path, tmp_path: Path
) -> Iterator[Repository]:
    auth = ("admin", secured.server.admin_password)
    with httpx.Client(base_url=secured.server.url, auth=auth, verify=secured.server.tls) as http:  # type: ignore[arg-type]
        shell = Shell(tmp_path, secured.server)
        name = f"{request.param}-chart-{next(_serial)}"
        yield Repository(request.param, shell, secured.authority, http, keyring, name)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_charts_are_found_pulled_verified_and_rendered(repo: Repository) -> None:
    versions = ["1.2.0", "1.2.7", "1.10.0", "2.0.0-rc.1"]
    packaged = {version: repo.package(version) for version in versions}
    packaged["1.2.9"] = repo.signed("1.2.9")
    repo.add()
    for version in versions:
        assert json.loads(repo.upload("--data-binary", f"@{packaged[version]}")) == {"saved": True}
    repo.upload("-F", f"chart=@{packaged['1.2.9']}", "-F", f"prov=@{packaged['1.2.9']}.prov")
    repo.run("repo", "update")

    words = ("search", "repo", f"team/{repo.name}", "-o", "json")
    found = json.loads(repo.run(*words, "--versions"))
    assert [row["version"] for row in found] == ["1.10.0", "1.2.9", "1.2.7", "1.2.0"]
    assert {row["app_version"] for row in found} == {"1.1"}
    assert json.loads(repo.run(*words, "--devel"))[0]["version"] == "2.0.0-rc.1"
    searched = json.loads(repo.run("search", "repo", "searched", "-o", "json"))
    assert f"team/{repo.name}" in [row["name"] for row in searched]

    for wanted, version in [
        ("", "1.10.0"),
        ("^1.2", "1.10.0"),
        ("~1.2", "1.2.9"),
        ("1.2.0", "1.2.0"),
    ]:
        out = repo.shell.home / f"out{wanted}"
        out.mkdir()
        chosen = ("--version", wanted) if wanted else ()
        repo.run("pull", f"team/{repo.name}", *chosen, "-d", out)
        (pulled,) = out.iterdir()
        assert pulled.name == packaged[version].name
        assert pulled.read_bytes() == packaged[version].read_bytes()

    public = ("--keyring", repo.keyring / "public.gpg")
    out = repo.shell.home / "verified"
    out.mkdir()
    pull = ("pull", f"team/{repo.name}", "--verify", *public, "-d", out)
    told = repo.shell.start(repo.helm, *pull, "--version", "1.2.9")
    assert told.returncode == 0, told.stderr
    assert "Signer <signer@example.com>" in told.stdout + told.stderr
    assert {path.name for path in out.iterdir()} >= {f"{repo.name}-1.2.9.tgz.prov"}
    repo.shell.fails(repo.helm, *pull, "--version", "1.2.7")

    rendered = repo.run("template", "x", f"team/{repo.name}", "--set", "text=bye")
    assert 'text: "bye"' in rendered


def test_a_chart_s_dependencies_come_from_the_repository(repo: Repository) -> None:
    repo.upload("--data-binary", f"@{repo.package('1.4.0')}")
    repo.add()
    parent = repo.shell.home / "parent"
    parent.mkdir()
    (parent / "Chart.yaml").write_text(
        f"apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies:\n- name: {repo.name}\n"
        f"  version: ^1.0.0\n  repository: '@team'\n"
    )
    repo.run("dependency", "update", parent)
    assert [path.name for path in (parent / "charts").iterdir()] == [f"{repo.name}-1.4.0.tgz"]


def test_wrong_credentials_and_unknown_authorities_are_refused(repo: Repository) -> None:
    words = ("repo", "add", "team", repo.url, "--username", "admin", "--password")
    assert "401" in repo.shell.fails(repo.helm, *words, "wrong", *repo.trust)
    complaint = repo.shell.fails(repo.helm, *words, repo.shell.server.admin_password)
    assert "certificate" in complaint


def test_an_uploaded_chart_is_the_artifact_that_helm_would_push(repo: Repository) -> None:
    chart = repo.signed("1.2.0+build.5")
    repo.upload("-F", f"chart=@{chart}", "-F", f"prov=@{chart}.prov")
    repo.log_in()
    repo.run("push", chart, f"oci://{repo.shell.host}/pushed", *repo.trust)
    ours = repo.manifest(f"charts/{repo.name}", "1.2.0_build.5")
    theirs = repo.manifest(f"pushed/{repo.name}", "1.2.0_build.5")
    for manifest in (ours, theirs):
        assert manifest["annotations"].pop("org.opencontainers.image.created")
    assert ours == theirs
    assert json.dumps(ours) == json.dumps(theirs), "the order of keys, too"

    out = repo.shell.home / "out"
    out.mkdir()
    words = (f"oci://{repo.shell.host}/charts/{repo.name}", "--version", "1.2.0+build.5")
    repo.run(
        "pull", *words, *repo.trust, "--verify", "--keyring", repo.keyring / "public.gpg", "-d", out
    )
    pulled = next(path for path in out.iterdir() if path.name.endswith(".tgz"))
    assert pulled.read_bytes() == chart.read_bytes()
    assert repo.entry("1.2.0+build.5")["digest"] == digest(chart)


def test_a_pushed_artifact_is_in_the_index(repo: Repository) -> None:
    chart = repo.signed("3.0.0+x")
    repo.log_in()
    repo.run("push", chart, f"oci://{repo.shell.host}/any/folder", *repo.trust)
    repo.add()
    out = repo.shell.home / "out"
    out.mkdir()
    public = ("--verify", "--keyring", repo.keyring / "public.gpg")
    repo.run("pull", f"team/{repo.name}", *public, "-d", out)
    assert (out / chart.name).read_bytes() == chart.read_bytes()
    layers = repo.manifest(f"any/folder/{repo.name}", "3.0.0_x")["layers"]
    assert f"sha256:{repo.entry('3.0.0+x')['digest']}" in [layer["digest"] for layer in layers]


def test_a_chart_in_a_pack_is_in_the_index(repo: Repository) -> None:
    chart = repo.package("1.0.0")
    pack = f"pack-of-{repo.name}"
    files = {
        **pack_files(pack, charts=["charts/one.tgz"]),
        "charts/one.tgz": File(chart.read_bytes()),
    }
    assert repo.http.post("/v1/_packs", content=archive_of(files)).status_code == 201
    repo.add()
    out = repo.shell.home / "out"
    out.mkdir()
    repo.run("pull", f"team/{repo.name}", "-d", out)
    assert (out / chart.name).read_bytes() == chart.read_bytes()
    entry = repo.entry("1.0.0")
    assert entry["annotations"]["dev.packyard.pack"] == f"{pack}:1.0.0"
    assert entry["digest"] == digest(chart)
    blob = repo.http.get(f"/v2/{repository(pack)}/blobs/sha256:{entry['digest']}")
    file = repo.http.get(f"/v1/_packs/{pack}/tags/1.0.0/files/charts/one.tgz")
    assert blob.content == file.content == chart.read_bytes()


def test_helm_push_uploads_as_it_does_to_chartmuseum(repo: Repository) -> None:
    """Its plugin asks the index for the path of the API, then sends a form in chunks."""
    chart = repo.package("1.0.0")
    path = urlsplit(repo.url).path
    context = repo.http.get(posixpath.join(path, "index.yaml")).json()["serverInfo"]["contextPath"]
    target = posixpath.join(context, "api", path.removeprefix(context).lstrip("/"), "charts")
    body = (
        f'--b\r\nContent-Disposition: form-data; name="chart"; filename="{chart}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
        + chart.read_bytes()
        + b"\r\n--b--\r\n"
    )
    headers = {"content-type": "multipart/form-data; boundary=b"}

    def send(query: str) -> httpx.Response:
        return repo.http.post(f"{target}{query}", content=iter([body]), headers=headers)

    assert (send("").status_code, send("").status_code, send("?force").status_code) == (
        201,
        409,
        201,
    )
    assert repo.entry("1.0.0")["digest"] == digest(chart)
