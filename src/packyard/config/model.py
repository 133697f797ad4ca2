"""Every key of the configuration: its place, type, default and meaning (registry-server.md).

This is the only list of keys. The reader, the names in the environment and the documentation
follow from it: a field is a key and says its meaning beside its type, a field of a dataclass type
is a section. Names are those of the distribution registry's format wherever that has the thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from packyard.config.kinds import Address, Network, ProjectRole, SafeUrl, Size
from packyard.references import RepoName


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLog:
    disabled: Annotated[bool, "No line for each request."] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    level: Annotated[
        Literal["debug", "info", "warn", "error"], "The least important lines that are written."
    ] = "info"
    formatter: Annotated[
        Literal["text", "json", "logstash"],
        "Text as `key=value`, or JSON; `logstash` is written as JSON.",
    ] = "text"
    fields: Annotated[Mapping[str, str], "Added to every line."] = field(default_factory=dict)
    accesslog: AccessLog = field(default_factory=AccessLog)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filesystem:
    rootdirectory: Annotated[Path, "The data folder."] = Path("/var/lib/packyard")


@dataclass(frozen=True, slots=True, kw_only=True)
class InMemory:
    """Nothing is kept when the server ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    enabled: Annotated[bool, "Whether tags, manifests and blobs can be deleted."] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPurging:
    enabled: Annotated[bool, "Whether abandoned uploads are removed."] = True
    age: Annotated[timedelta, "Abandoned means: no byte for that long."] = timedelta(hours=168)
    interval: Annotated[timedelta, "Time between two looks."] = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOnly:
    enabled: Annotated[bool, "Refuse every push and delete."] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    uploadpurging: UploadPurging = field(default_factory=UploadPurging)
    readonly: ReadOnly = field(default_factory=ReadOnly)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """One of `filesystem`, the default, and `inmemory`; also as a word, `storage: inmemory`."""

    filesystem: Filesystem | None = None
    inmemory: InMemory | None = None
    delete: Delete = field(default_factory=Delete)
    maintenance: Maintenance = field(default_factory=Maintenance)

    @property
    def root(self) -> Path | None:
        """The data folder; none where everything is kept in memory."""
        return None if self.inmemory else (self.filesystem or Filesystem()).rootdirectory


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    certificate: Annotated[Path | None, "The certificate chain, PEM. Switches TLS on."] = None
    key: Annotated[Path | None, "Its key, PEM."] = None
    clientcas: Annotated[
        tuple[Path, ...], "Only clients with a certificate of one of these authorities get in."
    ] = ()
    minimumtls: Annotated[
        Literal["tls1.0", "tls1.1", "tls1.2", "tls1.3"],
        "The oldest version spoken; those before 1.2 are not spoken in any case.",
    ] = "tls1.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    idle: Annotated[
        timedelta,
        "A request whose client sends nothing that long ends with 408; a connection that waits "
        "that long for a request, or whose client takes nothing of an answer, is closed.",
    ] = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsPage:
    anonymous: Annotated[bool, "Whether `/metrics` is open to those who do not sign in."] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    addr: Annotated[Address, "Where to listen; `:5000` is port 5000 of all interfaces."] = field(
        default=Address("", 5000)
    )
    host: Annotated[str, "The URL by which clients reach the server, behind a proxy."] = ""
    trustedproxies: Annotated[
        tuple[Network, ...], "Proxies whose `X-Forwarded-…` headers are believed."
    ] = ()
    workers: Annotated[
        int, "Processes that answer requests; 0 means one for each core, two at most."
    ] = 0
    draintimeout: Annotated[
        timedelta, "How long requests under way may go on when the server is told to end."
    ] = timedelta(seconds=25)
    headers: Annotated[
        Mapping[str, tuple[str, ...]],
        "Headers of every answer, each laid over the default of that name; an empty list takes "
        "the default away.",
    ] = field(default_factory=dict)
    timeouts: Timeouts = field(default_factory=Timeouts)
    metrics: MetricsPage = field(default_factory=MetricsPage)
    tls: Tls = field(default_factory=Tls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Htpasswd:
    realm: Annotated[str, "Named in the challenge for credentials."] = "Packyard"
    path: Annotated[Path, "The htpasswd file, bcrypt only. Has to be given in this section."]
    writers: Annotated[
        tuple[str, ...], "Its users who may push, tag and delete; the others pull."
    ] = ("admin",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Oidc:
    issuer: Annotated[
        SafeUrl, "The OpenID provider's own URL, as its discovery tells it. Has to be given."
    ]
    clientid: Annotated[str, "Packyard's id at the provider. Has to be given."]
    clientsecret: Annotated[str, "Packyard's secret at the provider, if it has one."] = field(
        default="", repr=False
    )
    scopes: Annotated[tuple[str, ...], "What the provider is asked for, besides `openid`."] = (
        "profile",
        "email",
    )
    groupsclaim: Annotated[str, "The claim that names somebody's groups."] = "groups"
    roles: Annotated[
        Mapping[str, Literal["viewer", "editor", "admin"]],
        "Groups and the role that each gives in the whole tenant.",
    ] = field(default_factory=dict)
    projectroles: Annotated[
        Mapping[str, tuple[ProjectRole, ...]], "Groups and the roles, `PROJECT=role`, of each."
    ] = field(default_factory=dict)
    defaultrole: Annotated[
        Literal["none", "viewer", "editor", "admin"], "The role of everybody who signs in there."
    ] = "none"
    label: Annotated[str, "What the button to sign in there says."] = "OpenID Connect"
    ca: Annotated[
        Path | None, "Certificates of authorities to trust besides those of the system, PEM."
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """Also as a word, `auth: htpasswd`, with the rest from the environment."""

    htpasswd: Htpasswd | None = None
    oidc: Oidc | None = None
    anonymous: Annotated[Literal["none", "pull"], "What those may do who do not sign in."] = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKeys:
    keyfile: Annotated[
        Path | None,
        "The key that seals secrets in the database; made at the first start. Without a path "
        "`secrets.key` in the data folder.",
    ] = None
    keys: Annotated[
        tuple[str, ...],
        "Keys in place of a file, base64 of 32 bytes: the first one seals, all of them open.",
    ] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gc:
    enabled: Annotated[bool, "Whether unreferenced blobs are removed in the background."] = True
    interval: Annotated[timedelta, "Time between two collections."] = timedelta(hours=1)
    grace: Annotated[timedelta, "How long an unreferenced blob stays."] = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class StarterPacks:
    enabled: Annotated[bool, "Whether Packyard's own packs are loaded."] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    maxbytes: Annotated[Size, "All files of a pack together, unpacked."] = field(
        default=Size(128 << 20)
    )
    maxfilebytes: Annotated[Size, "One file of a pack."] = field(default=Size(64 << 20))
    maxfiles: Annotated[int, "Files and folders of a pack."] = 10_000
    maxratio: Annotated[int, "How many times its own size an archive may grow to."] = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Packs:
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartLimits:
    maxbytes: Annotated[Size, "An upload to `/helm/api/charts`."] = field(default=Size(20 << 20))


@dataclass(frozen=True, slots=True, kw_only=True)
class Charts:
    repository: Annotated[
        RepoName, "Charts that are uploaded to `/helm/api/charts` stand in repositories below it."
    ] = field(default=RepoName("charts"))
    limits: ChartLimits = field(default_factory=ChartLimits)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteTimeouts:
    connect: Annotated[timedelta, "Until another registry takes a connection."] = timedelta(
        seconds=10
    )
    read: Annotated[timedelta, "Between two pieces of its answer."] = timedelta(seconds=30)
    whole: Annotated[
        timedelta, "For a whole answer; one of many bytes may take a second more for each 16 KiB."
    ] = timedelta(seconds=120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Synchronization:
    interval: Annotated[timedelta, "Time between two of one registry."] = timedelta(hours=24)
    retry: Annotated[
        timedelta, "Time after one that failed; twice that after the next failure, and so on."
    ] = timedelta(minutes=5)
    forceafter: Annotated[
        timedelta, "How long one has to run before it can be forced to begin anew."
    ] = timedelta(hours=1)
    parallel: Annotated[int, "How many registries are synchronized at once."] = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    defaultregistry: Annotated[str, "The name under which the own registry is listed."] = (
        "Public Repo"
    )
    networks: Annotated[
        tuple[Network, ...],
        "Private networks whose registries may be called, `10.0.0.0/8`; others are refused, lest "
        "somebody's endpoint or redirect leads to what only this server can reach.",
    ] = ()
    maxindex: Annotated[Size, "The index of a Helm repository, unpacked."] = field(
        default=Size(200 << 20)
    )
    connections: Annotated[int, "Requests to one host at once."] = 8
    rate: Annotated[int, "Requests to one host in a second."] = 100
    timeouts: RemoteTimeouts = field(default_factory=RemoteTimeouts)
    sync: Synchronization = field(default_factory=Synchronization)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifests:
    sparse: Annotated[
        bool, "Whether an image is taken that lacks some of its layers, as mirrors push them."
    ] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    manifests: Manifests = field(default_factory=Manifests)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The whole file."""

    version: Annotated[Literal["0.1"], "Of the file's format."] = "0.1"
    log: Log = field(default_factory=Log)
    storage: Storage = field(default_factory=Storage)
    http: Http = field(default_factory=Http)
    auth: Auth = field(default_factory=Auth)
    secrets: SecretKeys = field(default_factory=SecretKeys)
    gc: Gc = field(default_factory=Gc)
    starterpacks: StarterPacks = field(default_factory=StarterPacks)
    packs: Packs = field(default_factory=Packs)
    charts: Charts = field(default_factory=Charts)
    hub: Hub = field(default_factory=Hub)
    validation: Validation = field(default_factory=Validation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config(Keys):
    """What was read. `source` is its file, if any; `warnings` are sentences to log.

    `initial_password` is the admin's at the first start; it comes from the environment only.
    """

    source: Path | None = None
    warnings: tuple[str, ...] = ()
    initial_password: str | None = field(default=None, repr=False)
