"""What is unwise about the manifests of a pack (spec "values.yaml")."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import PurePosixPath

import yaml

from packyard.findings import Finding
from packyard.packs.lint.subject import VALUES, Subject
from packyard.packs.model import PACK_JSON
from packyard.packs.rules import found, near
from packyard.packs.yaml.reader import DEFAULT_LIMITS

_MANIFEST = re.compile(r"manifests/.+\.ya?ml")
_USES_VALUES = re.compile(r"\{\{[^{}]*\.Values\b")
_BRACED = re.compile(r"\{\{[^{}]*\}\}")
_YAML = (".yaml", ".yml", ".json")


def manifests(subject: Subject) -> Iterator[Finding]:
    """Every rule about manifests: what is named, what is rendered, what is applied as it is."""
    return chain(
        _unreferenced(subject), _repeated_names(subject), _sections(subject), _unrendered(subject)
    )


def base_name(path: str) -> str:
    """The key of a manifest under `manifests` in values.yaml."""
    return PurePosixPath(path).stem


def _unreferenced(subject: Subject) -> Iterator[Finding]:
    named = {entry.path for entry in subject.named("kubeManifests")}
    if subject.members is None:
        return
    for path in subject.files:
        if _MANIFEST.fullmatch(path) and path not in named:
            yield found(
                "manifests.unreferenced",
                f"{path!r} is not named by pack.json, so it is never applied.",
                mend='Name it under "kubeManifests", or remove it.',
                file=path,
            )


def _repeated_names(subject: Subject) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for named in subject.named("kubeManifests"):
        first = seen.setdefault(base_name(named.path), named.path)
        if first != named.path:
            yield found(
                "manifests.name-repeated",
                f"{named.path!r} and {first!r} share the section manifests.{base_name(first)}.",
                mend="Rename one of them.",
                file=PACK_JSON,
                path="kubeManifests",
                at=named.at,
            )


def _sections(subject: Subject) -> Iterator[Finding]:
    sections = subject.section("manifests")
    names = [base_name(named.path) for named in subject.named("kubeManifests")]
    if subject.members is None or not isinstance(sections, Mapping):
        return
    for key in sections:
        if key not in names:
            meant = near(key, names) or (names[0] if len(names) == 1 else "")
            known = f"The manifests here are {', '.join(names)}." if names else "There are none."
            yield found(
                "manifests.section-unknown",
                f"manifests.{key} belongs to no manifest of the pack, so it reaches none.",
                mend=f"Put it under manifests.{meant}." if meant else known,
                file=VALUES,
                path=f"manifests.{key}",
                at=subject.place("manifests", key),
            )


def _unrendered(subject: Subject) -> Iterator[Finding]:
    sections = subject.section("manifests")
    rendered = set(sections) if isinstance(sections, Mapping) else set()
    for path in dict.fromkeys(named.path for named in subject.named("kubeManifests")):
        if path not in subject.files or base_name(path) in rendered or subject.values is None:
            continue
        text = subject.files[path].data.decode("utf-8-sig", "replace")
        if use := _USES_VALUES.search(text):
            yield found(
                "manifests.unrendered",
                f"{path!r} uses .Values, but values.yaml has no section "
                f"manifests.{base_name(path)}: it is applied as it stands.",
                mend=f"Add the section, as `manifests: {{{base_name(path)}: {{}}}}` at the least.",
                file=path,
                at=(text.count("\n", 0, use.start()) + 1, 0),
            )
        elif path.endswith(_YAML):
            yield from _syntax(path, text)


def _syntax(path: str, text: str) -> Iterator[Finding]:
    """Macros are replaced before it is read, so a word does for each, on as many lines."""

    def fill(match: re.Match[str]) -> str:
        is_macro = ".spectro." in match[0]
        return "macro" + "\n" * match[0].count("\n") if is_macro else match[0]

    filled, depth = _BRACED.sub(fill, text), 0
    try:
        for event in yaml.parse(filled, Loader=yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEFAULT_LIMITS.max_depth:  # libyaml looks again at all that is open
                where = event.start_mark
                problem = "it is nested too deeply"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=where)  # type: ignore[arg-type]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        yield found(
            "manifests.syntax",
            f"{path!r} is not YAML: {problem}.",
            mend="It is applied as it stands; give it a section if it is a template.",
            file=path,
            at=(mark.line + 1, mark.column + 1) if mark else (0, 0),
        )
