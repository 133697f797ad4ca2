"""Names of repositories and tags (OCI distribution specification 1.1, "Pulling manifests").

`RepoName` and `Tag` are `str`s that went through their parsers here; a plain `str` never stands
for one. What follows a repository's name in a request is a tag or a digest: `parse_reference`.
"""

from __future__ import annotations

import re
from typing import NewType

from packyard.digests import Digest, parse_digest
from packyard.errors import NameInvalid, TagInvalid

RepoName = NewType("RepoName", str)
Tag = NewType("Tag", str)

REPO_NAME_LIMIT = 255
TAG_PATTERN = r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
REPO_PATTERN = rf"{_COMPONENT}(?:/{_COMPONENT})*"
_REPO = re.compile(REPO_PATTERN)
_TAG = re.compile(TAG_PATTERN)


def parse_repo(text: str) -> RepoName:
    if len(text) > REPO_NAME_LIMIT or not _REPO.fullmatch(text):
        raise NameInvalid(
            f"{text[:300]!r} is not a repository name: lower-case letters and digits, joined by "
            f"'.', '_', '__' or '-', in parts separated by '/', "
            f"at most {REPO_NAME_LIMIT} characters."
        )
    return RepoName(text)


def parse_tag(text: str) -> Tag:
    if not _TAG.fullmatch(text):
        raise TagInvalid(
            f"{text[:160]!r} is not a tag: letters, digits, '_', '.' and '-', the first one no '.' "
            "or '-', 128 characters at most."
        )
    return Tag(text)


def parse_reference(text: str) -> Tag | Digest:
    """A digest where `text` has a colon, else a tag; tell them apart by that colon."""
    return parse_digest(text) if ":" in text else parse_tag(text)


def is_digest(reference: Tag | Digest) -> bool:
    return ":" in reference
