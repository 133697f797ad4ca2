"""What is unwise in `pack.content`, from which air-gapped copies are made (spec "values.yaml")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from packyard.findings import Finding
from packyard.packs.images import Image
from packyard.packs.lint.subject import VALUES, Subject
from packyard.packs.rules import found, near
from packyard.packs.sections import is_template

_IMAGE_KEYS = ("image",)
_CHART_KEYS = ("repo", "name", "version")

_found = partial(found, file=VALUES)


def content(subject: Subject) -> Iterator[Finding]:
    """Every rule about the images and charts that an air-gapped copy has to bring along."""
    yield from _entries(subject, "images", _IMAGE_KEYS)
    yield from _entries(subject, "charts", _CHART_KEYS)
    for place, entry in enumerate(_list(subject, "images")):
        image = entry.get("image") if isinstance(entry, Mapping) else None
        if isinstance(image, str) and not is_template(image):
            yield from _image(subject, place, image.strip())


def _list(subject: Subject, key: str) -> Sequence[object]:
    value = subject.section("pack", "content", key)
    return value if isinstance(value, list) else []


def _entries(subject: Subject, key: str, wanted: Sequence[str]) -> Iterator[Finding]:
    value = subject.section("pack", "content", key)
    if value is not None and not isinstance(value, list):
        yield _found(
            "values.type",
            f"pack.content.{key} must be a list.",
            path=f"pack.content.{key}",
            at=subject.place("pack", "content", key),
        )
    for place, entry in enumerate(_list(subject, key)):
        given = entry if isinstance(entry, Mapping) else {}
        for absent in (name for name in wanted if not isinstance(given.get(name), str)):
            meant = next((name for name in given if _means(name, absent)), "")
            yield _found(
                "content.key-unknown",
                f"The entry has no text {absent!r}" + (f", but {meant!r}." if meant else "."),
                mend=f"Rename {meant!r} to {absent!r}." if meant else f"Add {absent!r}.",
                path=f"pack.content.{key}[{place}]",
                at=subject.place("pack", "content", key, place, *([meant] if meant else [])),
            )


def _means(name: str, wanted: str) -> bool:
    return name.startswith(wanted) or near(name, [wanted]) != ""


def _image(subject: Subject, place: int, image: str) -> Iterator[Finding]:
    at = subject.place("pack", "content", "images", place, "image")
    about = partial(_found, path=f"pack.content.images[{place}].image", at=at)
    parts = Image.parse(image)
    if parts is None:
        yield about(
            "content.image-form",
            f"{image[:200]!r} is no image reference.",
            mend="Write host/path:tag.",
        )
        return
    if not parts.host:
        yield about(
            "content.image-without-host",
            f"{image!r} names no registry; most programs read it as docker.io/….",
            mend="Write the registry's host in front.",
        )
    if not parts.tag and not parts.digest:
        yield about(
            "content.image-without-tag",
            f"{image!r} has neither tag nor digest, so it means another image every time.",
            mend="Add the tag that the pack was tried with.",
        )
    elif parts.tag == "latest" and not parts.digest:
        yield about(
            "content.image-latest",
            f"{image!r} means another image every time.",
            mend="Write the tag that the pack was tried with.",
        )
