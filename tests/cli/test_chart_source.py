"""Charts named as people name them for Helm."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from packyard.cli import chart_source, helm_config
from packyard.digests import digest_of
from packyard.errors import (
    ChartUnknown,
    ConfigurationInvalid,
    ManifestInvalid,
    ParameterInvalid,
    RemoteFailed,
)
from packyard.packs.chart_artifact import ARCHIVE_TYPE
from packyard.packs.charts import read_chart
from packyard.remotes.challenge import Credentials
from tests.remotes.scripted import Reply, Request, answering


def archive(name: str = "web", version: str = "1.2.0") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        data = f"apiVersion: v2\nname: {name}\nversion: {version}\n".encode()
        member = tarfile.TarInfo(f"{name}/Chart.yaml")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    return gzip.compress(out.getvalue(), mtime=0)


ARCHIVE = archive()
TAGS = ["1.2.0", "1.3.0_b1", "2.0.0-a"]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HELM_REPOSITORY_CONFIG", "HELM_CONFIG_HOME", "XDG_CONFIG_HOME", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def fetch(named: str, tmp_path: Path, version: str = "") -> bytes:
    return chart_source.fetch(named, version, tmp_path / ".packyard")


def add(tmp_path: Path, *rows: dict[str, object]) -> Path:
    """As `helm repo add` writes them; JSON is YAML."""
    path = tmp_path / ".config/helm/repositories.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"apiVersion": "", "repositories": list(rows)}))
    return path


def files(**by_path: bytes) -> Callable[[Request], Reply]:
    def script(request: Request) -> Reply:
        body = by_path.get(request.path)
        return Reply(404) if body is None else Reply(body=body)

    return script


def index(*versions: str) -> bytes:
    rows = [{"version": v, "urls": [f"web-{v}.tgz"]} for v in versions]
    return json.dumps({"entries": {"web": rows}}).encode()


def registry(request: Request) -> Reply:
    """charts/web with the versions 1.2.0 and 1.3.0+b1, and other/thing that is no chart."""
    manifest = {
        "schemaVersion": 2,
        "layers": [{"mediaType": ARCHIVE_TYPE, "digest": digest_of(ARCHIVE), "size": len(ARCHIVE)}],
    }
    plain = {"schemaVersion": 2, "layers": [{"mediaType": "text/plain"}]}
    bodies = {
        "/v2/charts/web/tags/list": {
            "name": "charts/web",
            "tags": ["1.2.0", "1.3.0_b1", "2.0.0-a"],
        },
        "/v2/charts/web/manifests/1.3.0_b1": manifest,
        "/v2/charts/web/manifests/1.2.0": manifest,
        f"/v2/charts/web/manifests/{digest_of(json.dumps(manifest).encode())}": manifest,
        "/v2/other/thing/manifests/1.0.0": plain,
        "/v2/other/thing/tags/list": {"name": "other/thing", "tags": ["latest"]},
    }
    if request.path == f"/v2/charts/web/blobs/{digest_of(ARCHIVE)}":
        return Reply(body=ARCHIVE)
    body = bodies.get(request.path)
    return Reply(404) if body is None else Reply(body=json.dumps(body).encode())


def test_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "any.tgz"
    path.write_bytes(ARCHIVE)
    assert fetch(str(path), tmp_path) == ARCHIVE


def test_a_folder_is_packaged(tmp_path: Path) -> None:
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "Chart.yaml").write_text("name: web\nversion: 1.2.0\n")
    chart, _ = read_chart(fetch(str(folder), tmp_path))
    assert chart is not None
    assert (chart.name, chart.version) == ("web", "1.2.0")


def test_a_folder_without_a_chart_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(ChartUnknown, match=r"holds no Chart\.yaml"):
        fetch(str(tmp_path), tmp_path)


@pytest.mark.parametrize("named", ["web", "./stable/web", "/nowhere/web", "stable/"])
def test_what_is_nowhere_is_said_to_be_nowhere(named: str, tmp_path: Path) -> None:
    with pytest.raises(ChartUnknown, match="no such file or folder"):
        fetch(named, tmp_path)


def test_an_address_is_downloaded_with_its_query(tmp_path: Path) -> None:
    with answering(files(**{"/a/web.tgz?token=x": ARCHIVE})) as server:
        assert fetch(f"http://{server.host}/a/web.tgz?token=x", tmp_path) == ARCHIVE


@pytest.mark.parametrize(
    ("version", "path"), [("", "/charts/web-1.10.0.tgz"), ("1.9.0", "/charts/web-1.9.0.tgz")]
)
def test_a_repository_that_helm_knows_is_asked(version: str, path: str, tmp_path: Path) -> None:
    index_ = index("1.9.0", "1.10.0", "2.0.0-rc")
    with answering(files(**{"/charts/index.yaml": index_, path: ARCHIVE})) as server:
        add(tmp_path, {"name": "stable", "url": f"http://{server.host}/charts"})
        assert fetch("stable/web", tmp_path, version) == ARCHIVE


def test_the_password_that_helm_keeps_is_used(tmp_path: Path) -> None:
    wanted = Credentials("user", "secret").header

    def closed(request: Request) -> Reply:
        if request.headers.get("authorization") != wanted:
            return Reply(401, {"www-authenticate": 'Basic realm="charts"'})
        return files(**{"/index.yaml": index("1.0.0"), "/web-1.0.0.tgz": ARCHIVE})(request)

    with answering(closed) as server:
        row = {"name": "stable", "url": f"http://{server.host}"}
        add(tmp_path, {**row, "username": "user", "password": "secret"})
        assert fetch("stable/web", tmp_path) == ARCHIVE


def test_a_repository_that_helm_does_not_know_is_named_with_those_it_knows(tmp_path: Path) -> None:
    with pytest.raises(ParameterInvalid, match="no repository 'stable'"):
        fetch("stable/web", tmp_path)
    add(tmp_path, {"name": "b", "url": "http://b"}, {"name": "a", "url": "http://a"}, {"name": "c"})
    with pytest.raises(ParameterInvalid, match="It knows a, b"):
        fetch("stable/web", tmp_path)


def test_a_broken_file_of_helm_is_said_to_be_broken(tmp_path: Path) -> None:
    add(tmp_path).write_text("repositories: [")
    with pytest.raises(ConfigurationInvalid, match=r"repositories\.yaml cannot be read"):
        fetch("stable/web", tmp_path)


def test_helms_file_is_looked_for_where_helm_does(monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path.home()
    assert helm_config.repository_file() == home / ".config/helm/repositories.yaml"
    monkeypatch.setenv("XDG_CONFIG_HOME", "/x")
    assert helm_config.repository_file() == Path("/x/helm/repositories.yaml")
    monkeypatch.setenv("HELM_CONFIG_HOME", "/h")
    assert helm_config.repository_file() == Path("/h/repositories.yaml")
    monkeypatch.setenv("HELM_REPOSITORY_CONFIG", "/f.yaml")
    assert helm_config.repository_file() == Path("/f.yaml")


@pytest.mark.parametrize(
    ("suffix", "version"),
    [(":1.2.0", ""), ("", "1.2.0"), ("", ""), ("", "1.3.0+b1"), (":1.2.0", "1.2.0")],
)
def test_a_registry_gives_a_chart(suffix: str, version: str, tmp_path: Path) -> None:
    with answering(registry) as server:
        assert fetch(f"oci://{server.host}/charts/web{suffix}", tmp_path, version) == ARCHIVE


def test_a_repository_of_helm_may_be_a_registry(tmp_path: Path) -> None:
    with answering(registry) as server:
        add(tmp_path, {"name": "mine", "url": f"oci://{server.host}/charts/"})
        assert fetch("mine/web", tmp_path, "1.2.0") == ARCHIVE


@pytest.mark.parametrize(
    ("named", "version", "error"),
    [
        ("{host}/other/thing:1.0.0", "", ManifestInvalid),
        ("{host}/other/thing", "", ChartUnknown),
        ("{host}/charts/web:1.2.0", "1.3.0", ParameterInvalid),
        ("{host}", "", ParameterInvalid),
        ("{host}/", "", ParameterInvalid),
    ],
)
def test_what_is_no_chart_in_a_registry_is_refused(
    named: str, version: str, error: type[Exception], tmp_path: Path
) -> None:
    with answering(registry) as server, pytest.raises(error):
        fetch("oci://" + named.format(host=server.host), tmp_path, version)


def test_a_registry_that_sends_other_bytes_is_refused(tmp_path: Path) -> None:
    def lying(request: Request) -> Reply:
        return Reply(body=ARCHIVE[:-1] + b"x") if "/blobs/" in request.path else registry(request)

    with answering(lying) as server, pytest.raises(RemoteFailed):
        fetch(f"oci://{server.host}/charts/web:1.2.0", tmp_path)
