"""Logging in and out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from packyard.remotes.challenge import Credentials
from tests.cli.program import Program
from tests.remotes.certificates import make_certificate
from tests.remotes.distribution import PASSWORD, USER
from tests.remotes.scripted import Reply, Request, answering

HEADER = Credentials(USER, PASSWORD).header


def ours(request: Request) -> Reply:
    """A pack registry that lets `USER` in."""
    known = request.headers.get("authorization") == HEADER
    return Reply(body=b"{}") if known else Reply(401, {"WWW-Authenticate": 'Basic realm="r"'})


def login(packyard: Program, server: str, *words: str, password: str = PASSWORD) -> tuple[int, str]:
    done = packyard(
        "registry", "login", server, "-u", USER, "--password-stdin", *words, stdin=password + "\n"
    )
    assert password not in done.out + done.err
    return done.code, done.out + done.err


def test_a_login_is_checked_and_stored(packyard: Program) -> None:
    with answering(ours) as server:
        code, said = login(packyard, server.host)
    assert code == 0
    assert said.startswith("Login Succeeded\n")
    assert f"unencrypted in {packyard.home}/.packyard/config.json" in said
    stored = packyard.logins
    assert stored["defaultRegistry"] == server.host
    assert list(stored["auths"]) == [server.host]  # type: ignore[call-overload]
    assert (packyard.home / ".packyard/config.json").stat().st_mode & 0o777 == 0o600


def test_wrong_credentials_are_not_stored(packyard: Program) -> None:
    with answering(ours) as server:
        code, said = login(packyard, server.host, password="another")
    assert code == 1
    refused = f"{server.host} does not accept this name and password. Nothing was remembered."
    assert said == f"Error: {refused}\n"
    assert not (packyard.home / ".packyard").exists()


def test_a_foreign_registry_is_asked_too(packyard: Program, closed_registry: str) -> None:
    assert login(packyard, closed_registry)[0] == 0
    assert login(packyard, f"oci://{closed_registry}", password="wrong")[0] == 1


@pytest.mark.parametrize("words", [["-s", "{}"], ["--home={}"]])
@pytest.mark.parametrize("place", ["before", "after"])
def test_the_home_folder_is_named_before_or_after_the_command(
    words: list[str], place: str, packyard: Program, tmp_path: Path
) -> None:
    named = [word.format(tmp_path / "other") for word in words]
    rest = ["-u", USER, "-p", PASSWORD]
    with answering(ours) as server:
        command = ["registry", "login", server.host, *rest]
        done = packyard(*([*named, *command] if place == "before" else [*command, *named]))
    assert done.code == 0
    assert server.host in (tmp_path / "other" / "config.json").read_text()
    assert not (packyard.home / ".packyard").exists()


def test_plain_http_is_stored_with_the_login(packyard: Program) -> None:
    with answering(ours) as server:
        assert login(packyard, f"http://{server.host}")[0] == 0
        assert login(packyard, server.host, "-d")[0] == 0
    assert "insecure" not in packyard.logins["auths"][server.host]  # type: ignore[index]


def test_the_scheme_that_was_written_is_the_one_used(packyard: Program) -> None:
    with answering(ours) as server:
        code, said = login(packyard, f"https://{server.host}")
        assert code == 1
        assert "TLS" in said
        assert login(packyard, f"http://{server.host}")[0] == 0
    assert packyard.logins["auths"][server.host]["insecure"] is True  # type: ignore[index]


def test_the_default_changes_only_when_asked(packyard: Program) -> None:
    with answering(ours) as one, answering(ours) as two:
        login(packyard, one.host)
        login(packyard, two.host)
        assert packyard.logins["defaultRegistry"] == one.host
        login(packyard, two.host, "--default")
        assert packyard.logins["defaultRegistry"] == two.host


@pytest.mark.parametrize(
    "words",
    [
        ["--password-stdin"],
        ["-u", "x", "-p", "y", "--password-stdin"],
        ["-u", "x", "--password-stdin"],
        ["-u", "x"],
        [],
    ],
)
def test_what_is_missing_is_a_usage_error_without_a_terminal(
    words: list[str], packyard: Program
) -> None:
    done = packyard("registry", "login", "127.0.0.1:9", *words)
    assert done.code == 2
    assert done.err.startswith("Error: ")


def test_a_password_on_the_command_line_is_warned_of(packyard: Program) -> None:
    with answering(ours) as server:
        done = packyard("registry", "login", server.host, "-u", USER, "-p", PASSWORD)
    assert done.code == 0
    assert "--password-stdin" in done.err


def test_logout_forgets_and_takes_the_default_away(packyard: Program) -> None:
    with answering(ours) as server:
        login(packyard, server.host)
        done = packyard("registry", "logout", f"http://{server.host}")
    assert done.code == 0
    assert packyard.logins == {"auths": {}}
    again = packyard("registry", "logout", server.host)
    assert again.code == 0
    assert "no login" in again.err


def test_a_login_of_the_other_pack_cli_is_used_and_left_alone(packyard: Program) -> None:
    theirs = packyard.home / ".spectro" / "config.json"
    theirs.parent.mkdir()

    def empty(request: Request) -> Reply:
        page = Reply(body=b'{"items": [], "next": ""}')
        return page if ours(request).status == 200 else ours(request)

    with answering(empty) as server:
        auth = HEADER.removeprefix("Basic ")
        text = json.dumps(
            {
                "auths": {server.host: {"auth": auth, "insecure": True}},
                "defaultRegistry": server.host,
            }
        )
        theirs.write_text(text)
        done = packyard("pack", "ls")
        assert (done.code, done.out, done.err) == (0, "", "There are no packs.\n")
        out = packyard("registry", "logout", server.host)
    assert str(theirs) in out.err
    assert theirs.read_text() == text


def test_dockers_logins_serve_oci_targets(
    packyard: Program, closed_registry: str, tmp_path: Path
) -> None:
    folder = tmp_path / "docker"
    folder.mkdir()
    auth = {"auth": HEADER.removeprefix("Basic ")}
    (folder / "config.json").write_text(json.dumps({"auths": {closed_registry: auth}}))
    with_docker = Program(packyard.home, {"DOCKER_CONFIG": str(folder)})
    assert with_docker("pack", "ls", "-r", f"oci://{closed_registry}").code == 0
    assert packyard("pack", "ls", "-r", f"oci://{closed_registry}").code == 1


def test_a_broken_file_of_logins_is_named_and_kept(packyard: Program) -> None:
    path = packyard.home / ".packyard" / "config.json"
    path.parent.mkdir()
    path.write_text("{broken")
    with answering(ours) as server:
        code, said = login(packyard, server.host)
    assert code == 1
    assert str(path) in said
    assert path.read_text() == "{broken"


def test_an_unreachable_server_is_a_sentence(packyard: Program) -> None:
    code, said = login(packyard, "127.0.0.1:9")
    assert code == 1
    assert "127.0.0.1:9 refuses connections" in said


def test_a_ca_in_the_home_folder_is_trusted(packyard: Program, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    with answering(ours, tls=certificate.server()) as server:
        code, said = login(packyard, server.host)
        assert code == 1
        assert f"certs.d/{server.host}/ca.crt" in said
        assert login(packyard, server.host, "--insecure")[0] == 0
        folder = packyard.home / ".packyard" / "certs.d" / server.host
        folder.mkdir(parents=True)
        shutil.copy(certificate.path, folder / "ca.crt")
        assert login(packyard, server.host)[0] == 0
    assert packyard.logins["auths"] == {server.host: {"auth": HEADER.removeprefix("Basic ")}}
