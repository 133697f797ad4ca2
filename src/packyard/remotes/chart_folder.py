"""Charts in the repositories below one folder of an OCI registry, where `helm push` puts them."""

from __future__ import annotations

from http import HTTPStatus

from packyard.digests import Digest, digest_of
from packyard.errors import ChartUnknown, Conflict, NotFound, PreconditionFailed, RemoteFailed
from packyard.packs import chart_artifact
from packyard.packs.chart_artifact import tag_of, version_of
from packyard.packs.version import sort_key
from packyard.remotes import chart
from packyard.remotes.chart import Fetched, Packaged, Row
from packyard.remotes.client import Client
from packyard.remotes.oci import Received, Repository
from packyard.remotes.oci_source import OciSource
from packyard.remotes.pack import Outcome, Pushed
from packyard.remotes.source import Kind
from packyard.remotes.transfer import push_blob, unwatched


class ChartFolder:
    """`base` is the path of the folder, "" for the registry's root."""

    def __init__(self, client: Client, base: str) -> None:
        self.client = client
        self._base = base

    def push(self, packaged: Packaged, *, force: bool) -> Pushed:
        """Push a chart; the very same that is there already stays as it is.

        Raise `Conflict` where the version is there and `force` is not given.
        """
        repository, tag = self._repository(packaged.chart.name), tag_of(packaged.chart.version)
        archive = digest_of(packaged.archive)
        standing = _standing(repository, tag)
        held = chart.blobs(standing) if standing else []
        if archive in held and (
            packaged.provenance is None or digest_of(packaged.provenance) in held
        ):
            return Pushed(Outcome.UNCHANGED, archive)
        if standing and archive not in held and not force:
            raise _conflict(repository, packaged, archive, held)
        written = chart_artifact.write(
            packaged.chart, packaged.archive, packaged.provenance, packaged.created
        )
        for digest, data in written.blobs.items():
            push_blob(repository, digest, data, unwatched)
        only_new = standing is None and not force
        try:
            repository.put_manifest(tag, written.manifest, written.media_type, only_new=only_new)
        except PreconditionFailed:
            raise _conflict(repository, packaged, archive, []) from None
        return Pushed(Outcome.REPLACED if standing else Outcome.PUSHED, archive)

    def rows(self, name: str = "") -> list[Row]:
        """Name and version of every chart, or of those of one name: by name, newest version first.

        Raise `ChartUnknown` where there is none of that name.
        """
        if name:
            tags = _tags(self._repository(name))
            found = [(name, version_of(tag)) for tag in tags if chart.can_be_version(tag)]
        else:
            pages = OciSource(self.client, Kind.CHART, [self._base]).listing({}).pages
            found = [(offer.name, offer.tag) for page in pages for offer in page.offers]
        ordered = sorted(found, key=lambda row: sort_key(row[1]), reverse=True)
        return [{"name": of, "version": version} for of, version in sorted(ordered, key=_name)]

    def pull(self, name: str, version: str) -> Fetched:
        """A version, the newest that is no pre-release for ""; verified by its digests."""
        repository = self._repository(name)
        try:
            tag = tag_of(version) if version else chart.newest(repository)
            received = repository.manifest(tag)
        except NotFound as error:
            raise ChartUnknown(error.message) from error
        archive = chart.pull(repository, received.digest, unwatched)
        provenance = chart.pull_provenance(repository, received)
        return Fetched(name, version_of(tag), archive, provenance)

    def delete(self, name: str, version: str) -> None:
        """Take the version's tag away; at a registry that deletes by digest alone, the manifest,
        where no other tag leads to it, else raise `Conflict`."""
        repository, tag = self._repository(name), tag_of(version)
        try:
            repository.delete(tag)
        except RemoteFailed as error:
            if error.detail.get("status") != HTTPStatus.BAD_REQUEST:
                raise
            digest = repository.head(tag)
            others = [other for other in repository.tags() if other != tag]
            same = [other for other in others if repository.head(other) == digest]
            if same:
                raise Conflict(
                    f"{repository.client.host} deletes no single tags, and {', '.join(same)} would "
                    f"go with {tag}: they lead to the same chart."
                ) from error
            repository.delete(digest)

    def _repository(self, name: str) -> Repository:
        return Repository(self.client, chart_artifact.repository(name, self._base))


def _standing(repository: Repository, tag: str) -> Received | None:
    try:
        return repository.manifest(tag_of(tag))
    except NotFound:
        return None


def _tags(repository: Repository) -> list[str]:
    try:
        return [str(tag) for tag in repository.tags()]
    except NotFound as error:
        raise ChartUnknown(error.message) from error


def _conflict(
    repository: Repository, packaged: Packaged, archive: Digest, held: list[Digest]
) -> Conflict:
    there = f": there {', '.join(held)}, here {archive}" if held else ""
    return Conflict(
        f"{packaged.chart.name} {packaged.chart.version} is in {repository} already with other "
        f"content{there}. Choose another version, or replace it with --force."
    )


def _name(row: tuple[str, str]) -> str:
    return row[0]
