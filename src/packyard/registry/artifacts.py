"""Manifests as they arrive: parsed, checked for form, and what they refer to.

Image manifests and indexes of the OCI image specification, the artifact manifest of its release
candidates, and Docker's schema 2 pair. Bytes are never rewritten; this reads them only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from packyard.digests import Digest, parse_digest
from packyard.errors import DigestInvalid, ManifestInvalid, several
from packyard.packs import jsontext
from packyard.packs.artifact import CONFIG_TYPES, LAYER_TYPES, MANIFEST_TYPE
from packyard.packs.chart_artifact import ARCHIVE_TYPES, PROVENANCE_TYPE
from packyard.packs.chart_artifact import CONFIG_TYPE as CHART_CONFIG_TYPE

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
ARTIFACT_TYPE = "application/vnd.oci.artifact.manifest.v1+json"
DOCKER_MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST_TYPE = "application/vnd.docker.distribution.manifest.list.v2+json"

_IMAGES = frozenset({MANIFEST_TYPE, DOCKER_MANIFEST_TYPE})
_INDEXES = frozenset({INDEX_TYPE, DOCKER_LIST_TYPE})
_KNOWN = (MANIFEST_TYPE, INDEX_TYPE, ARTIFACT_TYPE, DOCKER_MANIFEST_TYPE, DOCKER_LIST_TYPE)
_KEPT_ELSEWHERE = ("nondistributable", "foreign")  # layers that registries need not hold


@dataclass(frozen=True, slots=True)
class Descriptor:
    media_type: str
    digest: Digest
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """`blobs` must be in the repository; `children` are manifests that may be absent (sparse)."""

    media_type: str
    artifact_type: str
    annotations: Mapping[str, str]
    subject: Digest | None
    config: Descriptor | None
    layers: tuple[Descriptor, ...]
    children: tuple[Descriptor, ...]

    @property
    def blobs(self) -> tuple[Digest, ...]:
        return tuple(dict.fromkeys(descriptor.digest for descriptor in self.described))

    @property
    def described(self) -> list[Descriptor]:
        """What it says of those blobs, one as often as it does."""
        held = [layer for layer in self.layers if not _elsewhere(layer)]
        return [self.config, *held] if self.config else held

    @property
    def references(self) -> tuple[Digest, ...]:
        """All that has to stay while this manifest stays."""
        return (*self.blobs, *(child.digest for child in self.children))

    def pack_layer(self) -> Descriptor | None:
        """The archive, where this has the form of a pack."""
        if self.media_type != MANIFEST_TYPE or self.subject or len(self.layers) != 1:
            return None
        if self.config is None or self.config.media_type not in CONFIG_TYPES:
            return None
        return self.layers[0] if self.layers[0].media_type in LAYER_TYPES else None

    @property
    def is_chart(self) -> bool:
        """Whether it says of itself that it is a Helm chart."""
        config = self.config
        return config is not None and config.media_type == CHART_CONFIG_TYPE

    def chart_layers(self) -> tuple[list[Descriptor], list[Descriptor]]:
        """The archives and the provenance files, where it is a chart: one, and one at most."""
        archives = [layer for layer in self.layers if layer.media_type in ARCHIVE_TYPES]
        provenances = [layer for layer in self.layers if layer.media_type == PROVENANCE_TYPE]
        return archives, provenances


def _elsewhere(layer: Descriptor) -> bool:
    return any(word in layer.media_type for word in _KEPT_ELSEWHERE)


def parse_manifest(body: bytes, media_type: str) -> Artifact:
    """Read a manifest sent as `media_type` (empty where the client did not say).

    Raises `ManifestInvalid` with everything that is wrong.
    """
    try:
        document = jsontext.loads(body)
    except ValueError as error:
        raise ManifestInvalid(f"The manifest is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise ManifestInvalid("The manifest is not a JSON object.")
    return _Reader(document, media_type.partition(";")[0].strip()).artifact()


class _Reader:
    """Reads one document; gathers all that is wrong before it raises."""

    def __init__(self, document: dict[str, object], sent_as: str) -> None:
        self.document = document
        self.faults: list[str] = []
        self.media_type = self._media_type(sent_as)

    def artifact(self) -> Artifact:
        config: Descriptor | None = None
        layers: tuple[Descriptor, ...] = ()
        children: tuple[Descriptor, ...] = ()
        if self.media_type in _IMAGES:
            config = self._one("config", required=True)
            layers = self._many("layers", required=True)
        elif self.media_type in _INDEXES:
            children = self._many("manifests", required=True)
        else:
            layers = self._many("blobs", required=False)
        subject = self._one("subject", required=False)
        if self.media_type != ARTIFACT_TYPE and self.document.get("schemaVersion") != 2:
            self.faults.append("schemaVersion must be 2")
        artifact_type = self._text("artifactType")
        if not artifact_type and config and self.media_type in _IMAGES:
            artifact_type = config.media_type
        annotations = self._annotations()
        if self.faults:
            raise ManifestInvalid(f"The manifest is malformed: {several(self.faults, '; ')}.")
        return Artifact(
            media_type=self.media_type,
            artifact_type=artifact_type,
            annotations=annotations,
            subject=subject.digest if subject else None,
            config=config,
            layers=layers,
            children=children,
        )

    def _media_type(self, sent_as: str) -> str:
        written = self._text("mediaType")
        if written and sent_as not in (written, "application/json", ""):
            self.faults.append(f"mediaType is {written}, but it was sent as {sent_as}")
        media_type = written or sent_as
        if not media_type or media_type == "application/json":
            media_type = INDEX_TYPE if "manifests" in self.document else MANIFEST_TYPE
        if media_type not in _KNOWN:
            known = ", ".join(_KNOWN)
            raise ManifestInvalid(f"Manifests of type {media_type} are not taken; known: {known}.")
        return media_type

    def _text(self, key: str) -> str:
        value = self.document.get(key)
        if value is not None and not isinstance(value, str):
            self.faults.append(f"{key} must be a string")
            return ""
        return value or ""

    def _annotations(self) -> dict[str, str]:
        value = self.document.get("annotations")
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            self.faults.append("annotations must be an object of strings")
            return {}
        return value

    def _one(self, key: str, *, required: bool) -> Descriptor | None:
        value = self.document.get(key)
        if value is None:
            if required:
                self.faults.append(f"{key} is missing")
            return None
        return self._descriptor(value, key)

    def _many(self, key: str, *, required: bool) -> tuple[Descriptor, ...]:
        value = self.document.get(key)
        if value is None and (key in self.document or not required):  # Go writes null for empty
            return ()
        if not isinstance(value, list):
            self.faults.append(f"{key} must be a list")
            return ()
        found = (self._descriptor(item, f"{key}[{index}]") for index, item in enumerate(value))
        return tuple(descriptor for descriptor in found if descriptor)

    def _descriptor(self, value: object, where: str) -> Descriptor | None:
        if not isinstance(value, dict):
            self.faults.append(f"{where} must be an object")
            return None
        media_type, size = value.get("mediaType"), value.get("size")
        if not isinstance(media_type, str) or not media_type:
            self.faults.append(f"{where}.mediaType must be a string")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 2**63:
            self.faults.append(f"{where}.size must be a number of bytes")
        try:
            digest = parse_digest(str(value.get("digest", "")))
        except DigestInvalid as error:
            self.faults.append(f"{where}.digest: {error.message.rstrip('.')}")
            return None
        if not isinstance(media_type, str) or not isinstance(size, int):
            return None
        return Descriptor(media_type, digest, size)
