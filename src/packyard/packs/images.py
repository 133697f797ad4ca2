"""References to container images, as manifests and `pack.content.images` write them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Self

from packyard.references import REPO_PATTERN, TAG_PATTERN

_HOST = r"(?:[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+(?::[0-9]+)?|[a-zA-Z0-9-]+:[0-9]+|localhost)"
_IMAGE = re.compile(
    rf"(?:(?P<host>{_HOST})/)?(?P<path>{REPO_PATTERN})"
    rf"(?::(?P<tag>{TAG_PATTERN}))?(?:@(?P<digest>sha(?:256|512):[0-9a-f]+))?"
)
_DOCKER = "docker.io"


@dataclass(frozen=True, slots=True)
class Image:
    """The parts of a reference as they are written; what is not there is empty."""

    host: str
    path: str
    tag: str
    digest: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        match = _IMAGE.fullmatch(text.strip())
        return cls(*(part or "" for part in match.groups())) if match else None

    def is_same(self, other: Image) -> bool:
        """Whether both mean one image, as far as their texts tell: a digest beside a tag only
        says the same more exactly."""
        one, two = (replace(self, tag="", digest=""), replace(other, tag="", digest=""))
        if one.full != two.full:
            return False
        if self.digest and other.digest:
            return self.digest == other.digest
        return (self.tag or "latest") == (other.tag or "latest")

    @property
    def full(self) -> str:
        """What programs read it as: from Docker's registry where no host is named, and `latest`
        where there is neither tag nor digest."""
        host = self.host or _DOCKER
        official = host == _DOCKER and "/" not in self.path
        tag = self.tag or ("" if self.digest else "latest")
        return "".join(
            [
                f"{host}/",
                f"library/{self.path}" if official else self.path,
                f":{tag}" if tag else "",
                f"@{self.digest}" if self.digest else "",
            ]
        )
