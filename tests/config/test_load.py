from __future__ import annotations

import ipaddress
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from packyard.config import Config, load
from packyard.config.kinds import Address, ProjectRole
from packyard.errors import ConfigurationInvalid

DEPLOYED = """\
version: 0.1
log: {level: debug, fields: {service: registry}}
storage:
  cache: {blobdescriptor: inmemory}
  filesystem: {rootdirectory: /data/.spectro-server}
  delete: {enabled: false}
http:
  addr: 192.168.122.77:25000
  headers: {X-Content-Type-Options: [nosniff], X-Other: one}
  tls: {certificate: /c.pem, key: /k.pem, clientcas: /ca.pem, minimumtls: tls1.3}
auth:
  htpasswd: {realm: basic-realm, path: /auth/htpasswd-basic}
"""


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["packyard.config.load"], "PLACES", ())


def read(tmp_path: Path, text: str, **environ: str) -> Config:
    file = tmp_path / "config.yml"
    file.write_text(text)
    return load(file, environ)


def faults(tmp_path: Path, text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigurationInvalid) as caught:
        read(tmp_path, text, **environ)
    return [line.strip() for line in caught.value.message.splitlines()[1:]]


def test_a_deployed_file_is_read_as_it_is(tmp_path: Path) -> None:
    config = read(tmp_path, DEPLOYED)
    assert config.log.level == "debug"
    assert config.log.fields == {"service": "registry"}
    assert config.storage.root == Path("/data/.spectro-server")
    assert not config.storage.delete.enabled
    assert config.http.addr == Address("192.168.122.77", 25000)
    assert config.http.headers == {"X-Content-Type-Options": ("nosniff",), "X-Other": ("one",)}
    assert config.http.tls.certificate == Path("/c.pem")
    assert config.http.tls.clientcas == (Path("/ca.pem"),)
    assert config.http.tls.minimumtls == "tls1.3"
    assert config.auth.htpasswd
    assert config.auth.htpasswd.realm == "basic-realm"
    assert config.auth.htpasswd.path == Path("/auth/htpasswd-basic")
    assert config.auth.htpasswd.writers == ("admin",)
    assert config.warnings == ("storage.cache has no effect here (line 4)",)


def test_without_a_file_the_defaults_and_the_environment_are_enough() -> None:
    config = load(None, {"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/srv/packs"})
    assert config.source is None
    assert config.storage.root == Path("/srv/packs")
    assert load(None, {}).storage.root == Path("/var/lib/packyard")
    assert load(None, {}).http.addr == Address("", 5000)
    assert load(None, {}).auth.htpasswd is None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":5000", Address("", 5000)),
        ("127.0.0.1:25000", Address("127.0.0.1", 25000)),
        ("packs.example.com:80", Address("packs.example.com", 80)),
        ("'[::1]:5000'", Address("::1", 5000)),
        ("'[::]:5000'", Address("::", 5000)),
    ],
)
def test_addresses(tmp_path: Path, text: str, address: Address) -> None:
    assert read(tmp_path, f"http:\n  addr: {text}\n").http.addr == address


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("90s", timedelta(seconds=90)),
        ("1h30m", timedelta(minutes=90)),
        ("168h", timedelta(days=7)),
        ("1.5s", timedelta(seconds=1.5)),
        ("0", timedelta()),
    ],
)
def test_durations(tmp_path: Path, text: str, value: timedelta) -> None:
    assert read(tmp_path, f"gc: {{grace: {text}}}").gc.grace == value


@pytest.mark.parametrize(
    ("text", "value"), [("1024", 1024), ("64KiB", 65536), ("2 GiB", 2 << 30), ("0B", 0)]
)
def test_sizes(tmp_path: Path, text: str, value: int) -> None:
    assert read(tmp_path, f"packs: {{limits: {{maxbytes: {text}}}}}").packs.limits.maxbytes == value


@pytest.mark.parametrize("text", ["storage: inmemory", "storage:\n  inmemory:\n"])
def test_a_driver_can_be_a_word(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).storage.root is None


def test_the_environment_chooses_by_a_word_what_the_file_chose_otherwise(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        DEPLOYED,
        REGISTRY_STORAGE="inmemory",
        REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY="/x",
    )
    assert config.storage.root is None
    assert not config.storage.delete.enabled


def test_auth_comes_from_the_environment_alone() -> None:
    config = load(
        None,
        {
            "REGISTRY_AUTH": "htpasswd",
            "REGISTRY_AUTH_HTPASSWD_REALM": "my realm",
            "REGISTRY_AUTH_HTPASSWD_PATH": "/auth/htpasswd",
            "PACKYARD_AUTH_HTPASSWD_WRITERS": "[admin, ci]",
            "PACKYARD_AUTH_ANONYMOUS": "pull",
        },
    )
    assert config.auth.htpasswd
    assert config.auth.htpasswd.realm == "my realm"
    assert config.auth.htpasswd.writers == ("admin", "ci")
    assert config.auth.anonymous == "pull"


def test_variables_are_typed_by_their_key() -> None:
    config = load(
        None,
        {
            "REGISTRY_LOG_LEVEL": "error",
            "REGISTRY_LOG_FIELDS_SERVICE": "on",
            "REGISTRY_LOG_FIELDS": "{environment: test}",
            "REGISTRY_HTTP_TLS_CERTIFICATE": "/c",
            "REGISTRY_HTTP_TLS_KEY": "/k",
            "REGISTRY_HTTP_TLS_CLIENTCAS": "[/a, /b]",
            "REGISTRY_HTTP_HEADERS_X-FRAME-OPTIONS": "[SAMEORIGIN]",
            "REGISTRY_HTTP_TRUSTEDPROXIES": "10.0.0.0/8",
            "REGISTRY_HTTP_WORKERS": "3",
            "REGISTRY_STORAGE_DELETE_ENABLED": "false",
        },
    )
    assert config.log.level == "error"
    assert config.log.fields == {"service": "on", "environment": "test"}
    assert config.http.tls.clientcas == (Path("/a"), Path("/b"))
    assert config.http.headers == {"x-frame-options": ("SAMEORIGIN",)}
    assert config.http.trustedproxies == (ipaddress.ip_network("10.0.0.0/8"),)
    assert config.http.workers == 3
    assert not config.storage.delete.enabled
    assert config.warnings == ()


def test_our_own_prefix_counts_before_the_other() -> None:
    environ = {"REGISTRY_LOG_LEVEL": "error", "PACKYARD_LOG_LEVEL": "debug"}
    assert load(None, environ).log.level == "debug"


def test_variables_that_name_no_key_only_warn() -> None:
    environ = {
        "REGISTRY_PORT": "tcp://10.0.0.1:5000",
        "PACKYARD_LOG_LEVL": "debug",
        "REGISTRY_HTTP_SECRET": "s3cr3t",
    }
    (warning,) = load(None, environ).warnings
    assert "REGISTRY_PORT" in warning
    assert "PACKYARD_LOG_LEVL (did you mean …_LOG_LEVEL?)" in warning
    assert "s3cr3t" not in warning


def test_the_initial_password_is_kept_out_of_the_printed_form() -> None:
    config = load(None, {"PACKYARD_ADMIN_PASSWORD": "hidden"})
    assert config.initial_password == "hidden"
    assert "hidden" not in repr(config)


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    text = """\
version: 0.2
log:
  level: loud
storage:
  filesytem: {rootdirectory: /data}
  delete: {enabled: maybe}
http:
  addr: 5000
  rootdirectory: /data
  tls: {certificate: /c}
  timeouts: {idle: 0}
gc: {interval: fast}
auth:
  htpasswd: {realm: r}
"""
    assert set(faults(tmp_path, text)) == {
        "version: must be 0.1, not '0.2', line 1",
        "log.level: must be one of debug, info, warn, error, not 'loud', line 3",
        "storage.filesytem: unknown key, line 5; did you mean storage.filesystem?",
        "storage.delete.enabled: must be true or false, not 'maybe', line 6",
        "http.addr: must be host:port, or :port for all interfaces, not '5000', line 8",
        "http.rootdirectory: unknown key, line 9; did you mean storage.filesystem.rootdirectory?",
        "http.tls.certificate: needs http.tls.key beside it, line 10",
        "http.timeouts.idle: must be one second or more, line 11",
        "gc.interval: must be a duration such as 90s, 15m or 168h, not 'fast', line 12",
        "auth.htpasswd.path: must be given",
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("nonsense: 1", "nonsense: unknown key, line 1"),
        ("log: [a]", "log: must be a section with keys, line 1"),
        (
            "storage: [a]",
            "storage: must be a section with keys, or the word filesystem or inmemory",
        ),
        ("storage: floppy", "storage.floppy: unknown key, line 1"),
        ("log: {level: [debug]}", "log.level: must be one value"),
        ("log: {fields: [a]}", "log.fields: must be a section of names and values, line 1"),
        ("log: {level: info}\nlog: {level: debug}", "log: stands there twice, line 1; again on"),
        ("storage: {s3: {bucket: b}}", "storage.s3: S3 comes with a later version"),
        ("storage: s3", "storage.s3: S3 comes with a later version"),
        ("storage: {gcs: {}}", "storage.gcs: this version stores on the local disk"),
        ("storage: {inmemory: , filesystem: }", "storage.inmemory: stands beside"),
        ("http: {tls: {letsencrypt: {email: a@b}}}", "http.tls.letsencrypt: Packyard fetches no"),
        ("http: {tls: {clientcas: [/a]}}", "http.tls.clientcas: needs http.tls.certificate"),
        ("http: {addr: '::1:5000'}", "http.addr: must be [host]:port, with brackets"),
        ("http: {addr: ':99999'}", "http.addr: must be host:port"),
        ("http: {host: packs.example.com}", "http.host: must be a URL such as"),
        ("http: {host: 'https://a/b'}", "http.host: must be a URL such as"),
        ("http: {trustedproxies: [10.0.0.0/99]}", "http.trustedproxies: must be an IP address"),
        ('http: {headers: {"a b": [c]}}', "http.headers.a b: is no header that can be sent"),
        ('http: {headers: {X-A: ["b\\r\\nc: d"]}}', "http.headers.X-A: is no header"),
        ("auth: {token: {}}", "auth.token: this version knows users by name and password"),
        ("auth: none", "auth.none: unknown key, line 1"),
    ],
)
def test_faults(tmp_path: Path, text: str, fault: str) -> None:
    (found,) = faults(tmp_path, text)
    assert found.startswith(fault)


@pytest.mark.parametrize(
    ("environ", "fault"),
    [
        ({"REGISTRY_LOG_LEVEL": "loud"}, "log.level: must be one of"),
        ({"REGISTRY_STORAGE": "s3"}, "storage.s3: S3 comes with a later version"),
        ({"REGISTRY_STORAGE_S3_BUCKET": "b"}, "REGISTRY_STORAGE_S3_BUCKET: S3 comes with"),
        ({"REGISTRY_HTTP_TLS_CLIENTCAS": "[a"}, "http.tls.clientcas: is not YAML"),
        ({"REGISTRY_HTTP_TLS_KEY": "/k"}, "http.tls.key: needs http.tls.certificate beside it"),
        ({"REGISTRY_AUTH": "htpasswd"}, "auth.htpasswd.path: must be given"),
    ],
)
def test_faults_of_the_environment(environ: dict[str, str], fault: str) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        load(None, environ)
    head, *found = caught.value.message.splitlines()
    assert "environment" in head
    assert found[0].strip().startswith(fault)


@pytest.mark.parametrize(
    "text",
    ["log: {level: info", "log:\n\t- x", "a: b: c", "- a\n- b", "just a word", "[" * 100_000],
)
def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        read(tmp_path, text)
    assert str(tmp_path) in caught.value.message


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 40, "- " * 100_000])
def test_what_is_nested_without_end_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="nested deeper"):
        read(tmp_path, text)
    with pytest.raises(ConfigurationInvalid, match="not YAML"):
        load(None, {"REGISTRY_HTTP_HEADERS": text})


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, "").http.addr == Address("", 5000)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"missing\.yml cannot be read: No such file"):
        load(tmp_path / "missing.yml", {})


def test_keys_of_the_format_that_have_no_use_here_warn(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        "http: {secret: s, debug: {addr: ':5001'}}\nhealth: {storagedriver: {enabled: true}}\n"
        "notifications: {}\nredis: {}\nproxy: {}\nlog: {hooks: [], accesslog: {disabled: true}}\n",
    )
    assert len(config.warnings) == 7
    assert "http.secret has no effect here (line 1)" in config.warnings
    assert config.log.accesslog.disabled


OIDC = """\
auth:
  oidc:
    issuer: https://id.example.com/realms/team
    clientid: packyard
    roles: {platform: admin}
    projectroles:
      developers: [Team A=editor, "B = viewer"]
"""


def test_an_openid_provider_and_what_its_groups_give(tmp_path: Path) -> None:
    oidc = read(tmp_path, OIDC, PACKYARD_AUTH_OIDC_CLIENTSECRET="hidden").auth.oidc
    assert oidc
    assert oidc.issuer == "https://id.example.com/realms/team"
    assert (oidc.clientsecret, oidc.defaultrole) == ("hidden", "none")
    assert oidc.roles == {"platform": "admin"}
    roles = (ProjectRole("Team A", "editor"), ProjectRole("B", "viewer"))
    assert oidc.projectroles == {"developers": roles}
    assert "hidden" not in repr(oidc)


@pytest.mark.parametrize(
    "issuer",
    ["http://id.example.com", "id.example.com", "https://", "https://a b", "https://u:p@host", "x"],
)
def test_a_provider_is_asked_over_tls_alone(tmp_path: Path, issuer: str) -> None:
    (fault,) = faults(tmp_path, f"auth: {{oidc: {{issuer: '{issuer}', clientid: a}}}}")
    assert fault.startswith("auth.oidc.issuer: must be a URL such as https://id.example.com")
    assert "u:p" not in fault


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:9000", "http://localhost", "http://[::1]:1"])
def test_a_provider_on_this_machine_may_be_asked_in_clear(tmp_path: Path, issuer: str) -> None:
    assert read(tmp_path, f"auth: {{oidc: {{issuer: '{issuer}', clientid: a}}}}").auth.oidc


def test_faults_of_a_provider_are_all_named(tmp_path: Path) -> None:
    text = "auth: {oidc: {roles: {a: owner}, projectroles: {b: [x, y=owner, =admin]}}}"
    found = faults(tmp_path, text)
    assert len(found) == 6
    assert any("auth.oidc.roles.a: must be one of viewer" in fault for fault in found)
    assert sum("must be PROJECT=role, with one of the roles" in fault for fault in found) == 3
    assert sum("must be given" in fault for fault in found) == 2


def test_secrets_have_one_source(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, "secrets: {keys: [abc], keyfile: /k}")
    assert fault.startswith("secrets.keyfile: means nothing beside secrets.keys")
    assert "abc" not in repr(read(tmp_path, "secrets: {keys: [abc]}"))
