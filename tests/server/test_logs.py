from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from packyard.config.model import AccessLog, Log
from packyard.errors import RemoteFailed
from packyard.remotes.ecr import Ecr, Keys
from packyard.server import logs
from tests.live import start
from tests.remotes.scripted import Reply, answering

SECRET = "s3cr3t-value"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Whatever a test configures ends with it."""
    root, access = logging.getLogger(), logging.getLogger("packyard.access")
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    access.disabled = False


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"https://ann:{SECRET}@host/x", "https://***@host/x"),
        (f"Authorization: Basic {SECRET}", "Authorization: Basic ***"),
        (f"authorization=bearer {SECRET}.a-b_c", "authorization=bearer ***"),
        (f"ApiKey: {SECRET}", "ApiKey: ***"),
        (f"/v2/x?token={SECRET}&n=1", "/v2/x?token=***&n=1"),
        (f"/v2/x?a=1&access_token={SECRET}", "/v2/x?a=1&access_token=***"),
        (f"/x?Password={SECRET}#f", "/x?Password=***#f"),
        (f"/x?X-Amz-Signature={SECRET}", "/x?X-Amz-Signature=***"),
        (f"/v1/auth/refresh/{SECRET}/", "/v1/auth/refresh/***/"),
        (f"/x/pyk_{SECRET}abc", "/x/pyk_***"),
        (f"it said eyJhbGciOi.{SECRET}.sig-1 once", "it said eyJ*** once"),
        (f"/callback?code={SECRET}&state={SECRET}", "/callback?code=***&state=***"),
    ],
)
def test_secrets_are_masked(text: str, shown: str) -> None:
    assert logs.redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "GET /v2/a/blobs/sha256:" + "a" * 64,
        "/v1/_packs?q=token&limit=10",
        "oci://host:5000/base@sha256:abc",
        "mail to ann@example.com",
        "POST /v1/registries/oci/basic 201 status=201",
        "Basic authentication needs a user name.",
    ],
)
def test_all_else_stays(text: str) -> None:
    assert logs.redact(text) == text


def test_text_lines_are_keys_and_values_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Log(fields={"service": "registry"}))
    logging.getLogger("a").warning("two words\nand a line: %s", 'quoted "word"')
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert re.match(r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=warn msg=", line)
    assert r'msg="two words\nand a line: quoted \"word\""' in line
    assert line.endswith(" service=registry\n")


def test_json_lines_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Log(formatter="json", fields={"service": "registry"}))
    logs.REQUEST_ID.set("r1")
    logging.getLogger("a").error("it failed", exc_info=ValueError(f"https://ann:{SECRET}@host"))
    logs.REQUEST_ID.set("")
    text = capsys.readouterr().err
    line = json.loads(text)
    assert line["level"] == "error"
    assert line["msg"] == "it failed"
    assert line["request"] == "r1"
    assert line["service"] == "registry"
    assert "ValueError" in line["error"]
    assert SECRET not in text


@pytest.mark.parametrize(
    ("level", "kept"),
    [
        ("debug", ["debug", "info", "warn", "error"]),
        ("info", ["info", "warn", "error"]),
        ("warn", ["warn", "error"]),
        ("error", ["error"]),
    ],
)
def test_the_level_decides_what_is_written(
    capsys: pytest.CaptureFixture[str], level: str, kept: list[str]
) -> None:
    logs.configure(Log(level=level))  # type: ignore[arg-type]
    logger = logging.getLogger("a")
    for write in (logger.debug, logger.info, logger.warning, logger.error):
        write("x")
    assert re.findall(r"level=(\w+)", capsys.readouterr().err) == kept


def test_what_libraries_tell_of_secrets_when_they_debug_is_not_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = json.dumps({"authorizationData": [{"authorizationToken": SECRET}]}).encode()
    with answering(lambda _: Reply(400, body=said)) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{aws.host}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        logs.configure(Log(level="debug"))
        logging.getLogger("packyard").debug("a line")
        keys = Keys("AKIATEST", "hush", token=SECRET)
        with pytest.raises(RemoteFailed):
            _ = Ecr("registry.example.com", keys, region="eu-west-1").login.header
        assert aws.requests
    written = capsys.readouterr().err
    assert "a line" in written
    assert SECRET not in written
    assert "AKIATEST" not in written


def answered() -> None:
    logs.answered(
        method="GET",
        path=f"/v2/?token={SECRET}",
        status=200,
        seconds=0.0123456,
        sent=5,
        received=0,
        principal="ann",
        remote="127.0.0.1",
        agent='curl "8"\r\n',
    )


def test_a_request_is_one_line_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Log(formatter="json"))
    answered()
    text = capsys.readouterr().err
    line = json.loads(text)
    assert line["path"] == "/v2/?token=***"
    assert line["msg"] == "GET /v2/?token=*** 200"
    assert line["duration_ms"] == 12.346
    assert (line["status"], line["sent"], line["user"]) == (200, 5, "ann")
    assert SECRET not in text


def test_requests_can_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Log(accesslog=AccessLog(disabled=True)))
    answered()
    assert capsys.readouterr().err == ""


def test_a_running_server_logs_requests_and_no_secret(tmp_path: Path) -> None:
    config = {"log": {"formatter": "json", "fields": {"service": "registry"}}}
    with start(tmp_path, config=config, workers=2) as live:
        names = {"authorization": live.authorization, "x-request-id": "my-request.1"}
        httpx.get(f"{live.url}/v2/?access_token={SECRET}", headers=names)
        httpx.get(f"{live.url}/v2/", auth=("admin", SECRET))
        httpx.get(f"{live.url}/v2/", auth=(live.reader, live.reader_password))
    text = live.log()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert all(line["service"] == "registry" for line in lines)
    (mine,) = [line for line in lines if line.get("request") == "my-request.1"]
    assert mine["user"] == "admin"
    assert mine["remote"] == "127.0.0.1"
    assert mine["path"] == "/v2/?access_token=***"
    assert [line["status"] for line in lines if line.get("path", "")[:4] == "/v2/"] == [
        200,
        401,
        200,
    ]
    (failed,) = [line for line in lines if line["msg"].startswith("sign-in failed: ")]
    assert (failed["level"], failed["user"], failed["remote"]) == ("warn", "admin", "127.0.0.1")
    assert failed["request"] in [line["request"] for line in lines if line.get("status") == 401]
    for hidden in (SECRET, live.admin_password, live.reader_password, live.authorization[6:]):
        assert hidden not in text
    others = [line for line in text.splitlines() if not line.startswith("{")]
    assert others == [f"Packyard {others[0].split()[1]} listens on {live.url}"]
