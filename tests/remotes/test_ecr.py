"""ECR: AWS's API by moto on this machine, the content by a registry that takes moto's token."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import boto3
import pytest

from packyard.errors import (
    Denied,
    PackyardError,
    ParameterInvalid,
    RemoteFailed,
    TooManyRequests,
    Unauthenticated,
)
from packyard.remotes.address import parse_address
from packyard.remotes.challenge import Credentials, RenewedLogin
from packyard.remotes.client import Client
from packyard.remotes.ecr import Ecr, Keys, Role
from packyard.remotes.oci_source import OciSource
from packyard.remotes.source import Kind
from tests.aws import running as account
from tests.live import free_port
from tests.packs import samples
from tests.remotes.content import names_and_tags, push_chart, push_pack, taken
from tests.remotes.distribution import running
from tests.remotes.scripted import Reply, Request, answering

REGION = "eu-west-1"
KEYS = Keys("AKIATEST", "hush-secret")
ROLE = Role("arn:aws:iam::123456789012:role/reader", "ex-1")
# What moto gives out for its account.
LOGIN = Credentials("AWS", "123456789012-auth-token")


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    with account() as url:
        yield url


@pytest.fixture(autouse=True)
def no_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's own."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


@pytest.fixture(scope="module")
def registry(aws: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry whose repositories AWS's API knows."""
    api = boto3.client(
        "ecr",
        region_name=REGION,
        endpoint_url=aws,
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    names = ["charts/web", "charts/db", "spectro-packs/archive/sample", "never/pushed"]
    for name in names + [f"many/repository-{number}" for number in range(101)]:
        api.create_repository(repositoryName=name)
    folder = tmp_path_factory.mktemp("ecr")
    with running(folder, login=(LOGIN.username, LOGIN.password)) as host:
        with Client(parse_address(host), LOGIN) as client:
            push_chart(client, "web", "1.0.0")
            push_chart(client, "db", "2.0.0")
            push_pack(client, samples.pack())
        yield host


@pytest.fixture
def endpoint(aws: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws)
    return aws


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize("identity", [KEYS, ROLE], ids=["access key", "role"])
def test_packs_and_charts_are_read(
    registry: str, identity: Keys | Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    if isinstance(identity, Role):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-this-server")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-this-server")
    ecr = Ecr(registry, identity, region=REGION, partition="aws")
    with Client(parse_address(registry), ecr.login) as client:
        charts = OciSource(client, Kind.CHART, ["charts"], find=lambda _: ecr.repositories())
        charts.probe()
        offers, broken, _ = taken(charts.listing({}))
        assert names_and_tags(offers) == [("db", "2.0.0"), ("web", "1.0.0")]
        assert not broken
        assert charts.read(offers[0])
        packs = OciSource(client, Kind.PACK, [""], find=lambda _: ecr.repositories())
        assert names_and_tags(taken(packs.listing({}))[0]) == [("sample", "1.2.3")]
        with pytest.raises(RemoteFailed, match="holds no repositories below 'nothing'"):
            OciSource(client, Kind.CHART, ["nothing"], find=lambda _: ecr.repositories()).probe()


@pytest.mark.parametrize("status", [401, 403])
def test_a_login_that_ends_in_the_middle_is_renewed_once(status: int) -> None:
    """The registry says 403 of a token that has expired."""
    given: list[str] = []

    def fetch() -> tuple[Credentials, float]:
        given.append(f"token-{len(given)}")
        return Credentials("AWS", given[-1]), time.time() + 12 * 3600

    def script(request: Request) -> Reply:
        if request.headers.get("authorization") == Credentials("AWS", "token-1").header:
            return Reply(body=b"{}")
        said = {"errors": [{"code": "DENIED", "message": "Your authorization token has expired."}]}
        challenge = {"WWW-Authenticate": 'Basic realm="r",service="s"'} if status == 401 else {}
        return Reply(status, challenge, json.dumps(said).encode())

    with (
        answering(script) as server,
        Client(parse_address(f"http://{server.host}"), RenewedLogin(fetch)) as client,
    ):
        client.expect_login()
        assert client.request("GET", "/v2/").status == 200
        assert client.request("GET", "/v2/").status == 200
        assert given == ["token-0", "token-1"]
    with (
        answering(lambda _: Reply(status)) as server,
        Client(parse_address(f"http://{server.host}"), RenewedLogin(fetch)) as client,
    ):
        client.expect_login()
        with pytest.raises((Denied, Unauthenticated)):
            client.request("GET", "/v2/")
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("host", "region", "partition", "found"),
    [
        ("123456789012.dkr.ecr.eu-west-1.example.com", "", "aws", ("123456789012", "eu-west-1")),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.example.com", "", "aws-us-gov",
         ("123456789012", "us-gov-west-1")),
        ("123456789012.dkr.ecr.eu-west-1.example.com:443", "eu-central-1", "",
         ("123456789012", "eu-central-1")),
        ("registry.example.com", "us-iso-east-1", "aws-iso", ("", "us-iso-east-1")),
    ],
)  # fmt: skip
def test_account_and_region_are_the_endpoints_or_given(
    host: str, region: str, partition: str, found: tuple[str, str]
) -> None:
    ecr = Ecr(host, KEYS, region=region, partition=partition)
    assert (ecr._account, ecr._region) == found
    assert "hush-secret" not in repr(KEYS)


@pytest.mark.parametrize(
    ("host", "region", "partition", "said"),
    [
        ("registry.example.com", "", "", "region of the registry is not known"),
        ("registry.example.com", "Paris", "", "'Paris' is none"),
        ("registry.example.com", "xx-nowhere-9", "", "There is no AWS region 'xx-nowhere-9'"),
        ("registry.example.com", "eu-west-1", "aws-cn", "the partition aws, not to aws-cn"),
    ],
)
def test_a_region_that_is_none_is_refused(
    host: str, region: str, partition: str, said: str
) -> None:
    with pytest.raises(ParameterInvalid, match=said):
        Ecr(host, KEYS, region=region, partition=partition)


@pytest.mark.parametrize(
    ("host", "is_of_aws"),
    [
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", True),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com:443", True),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", True),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", True),
        ("123456789012.dkr-ecr.eu-west-1.on.aws", True),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com", False),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com.example.com", False),
        ("123456789012.dkr.ecr.eu-west-1.s3.amazonaws.com", False),
        ("123456789012.dkr.ecr.eu-west-1.on.aws", False),
        ("123456789012.dkr.ecr.xx-nowhere-9.amazonaws.com", False),
        ("registry.example.com", False),
    ],
)
def test_hosts_of_aws_are_known_by_their_names(host: str, is_of_aws: bool) -> None:
    assert Ecr(host, KEYS, region=REGION).is_of_aws == is_of_aws


def of_sts(code: str, message: str) -> Reply:
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    body = f"<ErrorResponse>{error}</ErrorResponse>"
    return Reply(403, {"Content-Type": "text/xml"}, body.encode())


def of_ecr(code: str, message: str) -> Reply:
    body = json.dumps({"__type": code, "message": message}).encode()
    return Reply(400, {"Content-Type": "application/x-amz-json-1.1"}, body)


@pytest.mark.parametrize(
    ("identity", "reply", "kind", "said"),
    [
        (KEYS, of_ecr("UnrecognizedClientException", "Invalid token."), Unauthenticated,
         "AWS does not accept the access key"),
        (KEYS, of_ecr("AccessDeniedException", "No."), Denied,
         "AWS does not allow GetAuthorizationToken"),
        (KEYS, of_ecr("ThrottlingException", "Slow."), TooManyRequests, "asked too often"),
        (KEYS, of_ecr("ServerException", "Oops."), RemoteFailed, "ServerException: Oops"),
        (ROLE, of_sts("AccessDenied", "Not you."), Denied,
         r"assume the role .Not you.\..*external id"),
        (ROLE, of_sts("InvalidClientTokenId", "Who."), Unauthenticated, "the access key"),
    ],
)  # fmt: skip
def test_what_aws_refuses_is_told(
    identity: Keys | Role,
    reply: Reply,
    kind: type[PackyardError],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if isinstance(identity, Role):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-this-server")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-this-server")
    with answering(lambda _: reply) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{server.host}")
        ecr = Ecr("registry.example.com", identity, region=REGION)
        with pytest.raises(kind, match=said) as refused:
            _ = ecr.login.header
    assert "hush-secret" not in str(refused.value)


def test_an_api_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(RemoteFailed, match=r"AWS cannot be asked about registry\.example\.com"):
        Ecr("registry.example.com", KEYS, region=REGION).repositories()


@pytest.mark.usefixtures("endpoint")
def test_a_server_without_an_identity_assumes_no_role() -> None:
    with pytest.raises(Unauthenticated, match="no AWS identity of its own"):
        _ = Ecr("registry.example.com", ROLE, region=REGION).login.header


@pytest.mark.usefixtures("endpoint")
def test_a_role_of_no_form_is_refused() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "of-this-server")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "of-this-server")
        with pytest.raises(ParameterInvalid, match="AWS does not take what was given"):
            _ = Ecr("registry.example.com", Role("arn"), region=REGION).login.header
