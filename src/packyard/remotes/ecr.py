"""Elastic Container Registry: a login of twelve hours, and the list of repositories, by AWS's API.

Who asks is an access key, or a role that this server assumes with its own AWS identity. The region
is the endpoint's or given; it decides the partition, and one given beside it has to be the same.
Content comes over the OCI interface. The password opens every repository of the account, so it goes
to hosts of AWS's own names, and to others only inside of networks that the installation names.
"""

from __future__ import annotations

import base64
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from packyard.errors import (
    Denied,
    NameInvalid,
    PackyardError,
    ParameterInvalid,
    RemoteFailed,
    TooManyRequests,
    Unauthenticated,
)
from packyard.references import RepoName, parse_repo
from packyard.remotes.challenge import Credentials, RenewedLogin

_HOST = re.compile(
    r"(?P<account>\d{12})\.dkr(?P<form>[.-])ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?P<suffix>.+)"
)
_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-\d{1,2}")
_SESSION = "packyard"
_SESSION_SECONDS = 3600
_WRONG_KEY = frozenset(
    {
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        "ExpiredToken",
        "ExpiredTokenException",
    }
)
_DENIED = frozenset({"AccessDenied", "AccessDeniedException"})
_BUSY = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded"})


@dataclass(frozen=True, slots=True)
class Keys:
    """An access key; `token` beside it where the key is a temporary one."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Role:
    """A role that this server's own AWS identity assumes."""

    arn: str
    external_id: str = ""


class Ecr:
    """A private registry of an account in a region."""

    def __init__(
        self, host: str, identity: Keys | Role, *, region: str = "", partition: str = ""
    ) -> None:
        """Raises `ParameterInvalid` where region and partition are not known, or contradict."""
        named = _HOST.fullmatch(host.partition(":")[0])
        self._host = host
        self._identity = identity
        self._account = named["account"] if named else ""
        self._region = region or (named["region"] if named else "")
        if not _REGION.fullmatch(self._region):
            said = f"{self._region!r} is none" if self._region else f"{host} names none"
            raise ParameterInvalid(f"The AWS region of the registry is not known: {said}.")
        self._require(partition)
        self._lock = threading.Lock()
        self._known: Any = None
        self._ends = 0.0
        self.login = RenewedLogin(self._token)

    @property
    def is_of_aws(self) -> bool:
        """Whether the host has a name that AWS itself gives to registries."""
        named = _HOST.fullmatch(self._host.partition(":")[0])
        if named is None:
            return False
        from botocore.session import get_session  # noqa: PLC0415

        try:
            partition = _partition(named["region"])
        except ParameterInvalid:
            return False
        known = get_session().get_data("partitions")["partitions"]
        kind = "dualStackDnsSuffix" if named["form"] == "-" else "dnsSuffix"
        suffix = next((str(one["outputs"][kind]) for one in known if one["id"] == partition), "")
        # For both families of addresses, its API is at api.<suffix> and registries at on.<suffix>.
        return bool(suffix) and named["suffix"] == re.sub(r"^api\.", "on.", suffix)

    def repositories(self) -> list[RepoName]:
        """Every repository of the registry; those of odd names are left out."""
        names: list[RepoName] = []
        with _explained(self._host):
            pages = self._api().get_paginator("describe_repositories")
            for page in pages.paginate(**_given("registryId", self._account)):
                for row in page["repositories"]:
                    try:
                        names.append(parse_repo(row["repositoryName"]))
                    except NameInvalid:
                        continue
        return names

    def _token(self) -> tuple[Credentials, float]:
        with _explained(self._host):
            accounts = [self._account] if self._account else []
            answer = self._api().get_authorization_token(**_given("registryIds", accounts))
            data = answer["authorizationData"][0]
            user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
            return Credentials(user, password), data["expiresAt"].timestamp()

    def _api(self) -> Any:
        """AWS's API, asked by the identity; a role is assumed anew before its session ends."""
        with self._lock:
            if time.monotonic() > self._ends:
                self._known = self._client("ecr", self._keys())
                self._ends = time.monotonic() + _SESSION_SECONDS * 0.8
            return self._known

    def _keys(self) -> Keys:
        if isinstance(self._identity, Keys):
            return self._identity
        role = self._identity
        answer = self._client("sts", None).assume_role(
            RoleArn=role.arn,
            RoleSessionName=_SESSION,
            DurationSeconds=_SESSION_SECONDS,
            **_given("ExternalId", role.external_id),
        )
        given = answer["Credentials"]
        return Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def _client(self, service: str, keys: Keys | None) -> Any:
        """A client of AWS's API; without `keys` by this server's own identity."""
        import boto3  # noqa: PLC0415  (takes half a second, which few need)
        from botocore.config import Config  # noqa: PLC0415

        settings: dict[str, Any] = {
            "region_name": self._region,
            "config": Config(connect_timeout=10, read_timeout=30, retries={"mode": "standard"}),
        }
        if keys:
            settings["aws_access_key_id"] = keys.access_key
            settings["aws_secret_access_key"] = keys.secret_key
            settings["aws_session_token"] = keys.token or None
        return boto3.Session().client(service, **settings)

    def _require(self, partition: str) -> None:
        belongs = _partition(self._region)
        if partition and partition != belongs:
            raise ParameterInvalid(
                f"The AWS region {self._region} belongs to the partition {belongs}, not to "
                f"{partition}."
            )


def _partition(region: str) -> str:
    import boto3  # noqa: PLC0415
    from botocore.exceptions import UnknownRegionError  # noqa: PLC0415

    try:
        return str(boto3.Session().get_partition_for_region(region))
    except UnknownRegionError:
        raise ParameterInvalid(f"There is no AWS region {region!r}.") from None


def _given(name: str, value: object) -> dict[str, object]:
    return {name: value} if value else {}


@contextmanager
def _explained(host: str) -> Iterator[None]:
    """Turn what AWS and its library raise into our errors, as sentences."""
    from botocore import exceptions  # noqa: PLC0415

    try:
        yield
    except exceptions.ClientError as error:
        raise _refused(host, error.response.get("Error", {}), error.operation_name) from error
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
        raise Unauthenticated(
            "This server has no AWS identity of its own to assume the role with: give it one by "
            "its environment, or use an access key."
        ) from error
    except exceptions.ParamValidationError as error:
        said = " ".join(str(error).split()).rstrip(".")
        raise ParameterInvalid(f"AWS does not take what was given for {host}: {said}.") from error
    except exceptions.BotoCoreError as error:
        raise RemoteFailed(f"AWS cannot be asked about {host}: {error}.", host=host) from error


def _refused(host: str, error: dict[str, str], operation: str) -> PackyardError:
    code, said = error.get("Code", ""), error.get("Message", "").rstrip(".")
    if code in _WRONG_KEY:
        return Unauthenticated(f"AWS does not accept the access key for {host} ({code}: {said}).")
    if code in _DENIED and operation == "AssumeRole":
        return Denied(
            f"AWS does not let this server assume the role ({said}). The role has to trust this "
            "server's identity, with the external id that was given."
        )
    if code in _DENIED:
        return Denied(f"AWS does not allow {operation} at {host} ({said}).")
    if code in _BUSY:
        return TooManyRequests(f"AWS is asked too often for {host} ({code}: {said}).")
    return RemoteFailed(f"AWS refuses {operation} at {host} ({code}: {said}).", host=host)
