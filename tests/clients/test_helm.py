"""helm: charts as OCI artifacts, over plain HTTP and over TLS with an authority of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clients.shell import Shell
from tests.secured import Secured

pytestmark = pytest.mark.clients("helm")


def packaged(shell: Shell, version: str = "1.2.3") -> Path:
    chart = shell.home / "demo"
    (chart / "templates").mkdir(parents=True, exist_ok=True)
    (chart / "Chart.yaml").write_text(
        f"apiVersion: v2\nname: demo\nversion: {version}\ndescription: A chart of the test\n"
    )
    (chart / "values.yaml").write_text("text: hello\n")
    (chart / "templates" / "map.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: demo}\n"
        "data: {text: {{ .Values.text | quote }}}\n"
    )
    shell.run("helm", "package", chart, "-d", shell.home)
    return shell.home / f"demo-{version}.tgz"


@pytest.fixture(params=["plain", "TLS"])
def place(
    request: pytest.FixtureRequest, shell: Shell, repo: str, tmp_path: Path
) -> tuple[Shell, str, tuple[str, ...]]:
    """A shell, the folder of charts in the registry, and how helm gets there."""
    if request.param == "plain":
        return shell, f"oci://{repo}", ("--plain-http",)
    secured: Secured = request.getfixturevalue("secured")
    shell = Shell(tmp_path, secured.server)
    return shell, f"oci://{shell.host}/charts", ("--ca-file", str(secured.authority))


def log_in(shell: Shell, how: tuple[str, ...]) -> None:
    words = (shell.host, "-u", "admin", "--password-stdin", *how)
    done = shell.start("helm", "registry", "login", *words, text=shell.server.admin_password)
    assert done.returncode == 0, done.stderr


def test_a_chart_is_pushed_shown_rendered_and_pulled(
    place: tuple[Shell, str, tuple[str, ...]],
) -> None:
    shell, folder, how = place
    log_in(shell, how)
    chart = packaged(shell)
    shell.run("helm", "push", chart, folder, *how)
    shown = shell.run("helm", "show", "chart", f"{folder}/demo", "--version", "1.2.3", *how)
    assert "A chart of the test" in shown
    assert "hello" in shell.run("helm", "show", "values", f"{folder}/demo", *how)
    rendered = shell.run("helm", "template", "x", f"{folder}/demo", "--set", "text=bye", *how)
    assert 'text: "bye"' in rendered
    out = shell.home / "out"
    out.mkdir()
    shell.run("helm", "pull", f"{folder}/demo", "--version", "1.2.3", "-d", out, *how)
    assert (out / chart.name).read_bytes() == chart.read_bytes()


def test_ranges_of_versions_are_resolved_by_the_list_of_tags(
    place: tuple[Shell, str, tuple[str, ...]],
) -> None:
    shell, folder, how = place
    log_in(shell, how)
    for version in ("1.2.3", "1.10.0", "2.0.0"):
        shell.run("helm", "push", packaged(shell, version), folder, *how)
    words = ("helm", "show", "chart", f"{folder}/demo", *how)
    assert "version: 1.10.0" in shell.run(*words, "--version", "^1.0.0")
    assert "version: 2.0.0" in shell.run(*words)


def test_a_version_with_a_plus_is_pushed_and_pulled(shell: Shell, repo: str) -> None:
    log_in(shell, ("--plain-http",))
    packaged(shell, "1.0.0+build.5")
    (chart,) = shell.home.glob("demo-1.0.0*.tgz")
    shell.run("helm", "push", chart, f"oci://{repo}", "--plain-http")
    out = shell.home / "out"
    words = ("--version", "1.0.0+build.5", "--plain-http", "--untar", "--untardir", str(out))
    shell.run("helm", "pull", f"oci://{repo}/demo", *words)
    assert "1.0.0+build.5" in (out / "demo" / "Chart.yaml").read_text()


def test_wrong_credentials_are_refused(shell: Shell) -> None:
    words = (shell.host, "-u", "admin", "-p", "wrong", "--plain-http")
    complaint = shell.fails("helm", "registry", "login", *words)
    assert "401" in complaint or "unauthorized" in complaint.lower()


def test_an_authority_that_is_not_named_is_not_trusted(secured: Secured, tmp_path: Path) -> None:
    shell = Shell(tmp_path, secured.server)
    words = (shell.host, "-u", "admin", "-p", secured.server.admin_password)
    complaint = shell.fails("helm", "registry", "login", *words)
    assert "certificate" in complaint
