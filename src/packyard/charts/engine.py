"""Helm's engine as a caller sees it: charts and templates in, results and findings out.

Every call is one job in a worker process and blocks until that has answered; async callers run it
in a thread. A result is None exactly where a finding says why. Charts are given as the bytes of
their archive; nothing of them is kept between calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from types import TracebackType
from typing import Any, Self

from packyard.charts.chart import (
    Chart,
    Definitions,
    Documents,
    Hook,
    Manifest,
    Provenance,
    Release,
    Rendering,
    Values,
)
from packyard.charts.frames import pack, unpack
from packyard.charts.pool import Limits, Pool, Stopped
from packyard.charts.rules import found
from packyard.charts.template import Filled, Template
from packyard.findings import Finding, Severity

Findings = list[Finding]


class Engine:
    """Starts nothing before the first call. To be closed, or used as a context."""

    def __init__(self, size: int = 2, limits: Limits | None = None) -> None:
        self._pool = Pool(size, limits)

    def load(self, archive: bytes) -> tuple[Chart | None, Findings]:
        """What the chart consists of, read as Helm reads it."""
        head, parts, findings = self._run({"job": "load"}, [archive])
        if head is None:
            return None, findings
        chart = Chart(
            metadata=head["metadata"],
            values=head["values"] or {},
            files=dict(zip(head["files"], parts, strict=True)),
            subcharts=tuple(head["subcharts"]),
        )
        return chart, findings

    def render(
        self, archive: bytes, values: Values, release: Release, *, section: str = ""
    ) -> tuple[Rendering | None, Findings]:
        """What `helm template --include-crds` gives for the release, in its parts.

        `section` is where the caller keeps the values: findings name `<section>.<path>`.
        """
        job = {"job": "render", "values": values, "release": asdict(release), "section": section}
        head, _, findings = self._run(job, [archive])
        if head is None:
            return None, findings
        rendering = Rendering(
            chart=head["chart"],
            version=head["version"],
            definitions=tuple(Definitions(**entry) for entry in head["definitions"]),
            manifests=tuple(_manifest(entry) for entry in head["manifests"]),
            hooks=tuple(_manifest(entry) for entry in head["hooks"]),
            notes=head["notes"],
        )
        return rendering, findings

    def lint(
        self,
        archive: bytes,
        values: Values | None = None,
        *,
        namespace: str = "",
        kubernetes: str = "",
    ) -> Findings:
        """What Helm's own linter says, and whether the values meet the chart's schema."""
        job = {
            "job": "lint",
            "values": values or {},
            "namespace": namespace,
            "kubernetes": kubernetes,
        }
        _, _, findings = self._run(job, [archive])
        return findings

    def verify(
        self, archive: bytes, file: str, provenance: bytes, keyring: bytes
    ) -> tuple[Provenance | None, Findings]:
        """Whether a signature by a key of `keyring` proves the archive called `file`.

        The keyring is one of public keys, in OpenPGP's binary or armoured form.
        """
        head, _, findings = self._run(
            {"job": "verify", "file": file}, [archive, provenance, keyring]
        )
        if head is None:
            return None, findings
        signed_by = tuple(head["signed_by"])
        proof = Provenance(file=head["file"], digest=head["digest"], signed_by=signed_by)
        return proof, findings

    def fill(self, templates: Sequence[Template]) -> list[Filled]:
        """Each template filled, in one job for all of them; one that fails does not hurt others."""
        if not templates:
            return []
        job = {"job": "fill", "templates": [_plain(template) for template in templates]}
        head, _, findings = self._run(job)
        if head is None:
            return [Filled(None, tuple(findings))] * len(templates)
        return [
            Filled(entry["text"], tuple(map(_finding, entry["findings"])))
            for entry in head["filled"]
        ]

    def read(self, streams: Mapping[str, str]) -> list[Documents]:
        """The manifests in each stream of YAML, which is named by what it comes from."""
        if not streams:
            return []
        head, _, findings = self._run({"job": "read", "streams": list(streams.items())})
        if head is None:
            return [Documents(None, tuple(findings))] * len(streams)
        return [_documents(entry) for entry in head["streams"]]

    def close(self) -> None:
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(
        self, job: Mapping[str, object], parts: Sequence[bytes] = ()
    ) -> tuple[dict[str, Any] | None, list[bytes], Findings]:
        try:
            request = pack(job, parts)
        except (ValueError, TypeError, RecursionError) as error:
            message = f"The values have no form in JSON: {error}."
            return None, [], [found("helm.values", message)]
        try:
            head, answered = unpack(self._pool.run(request))
        except Stopped as stopped:
            return None, [], [found(stopped.rule, stopped.message)]
        except RecursionError:
            message = "What comes out is nested too deeply."
            return None, [], [found("helm.output", message)]
        findings = [_finding(entry) for entry in head.pop("findings")]
        return (head or None), answered, findings


def _plain(template: Template) -> dict[str, object]:
    """Its fields, without copying the data."""
    return {field.name: getattr(template, field.name) for field in fields(template)}


def _documents(entry: Mapping[str, Any]) -> Documents:
    manifests = entry["manifests"]
    return Documents(
        None if manifests is None else tuple(map(_manifest, manifests)),
        tuple(map(_finding, entry["findings"])),
    )


def _finding(entry: Mapping[str, Any]) -> Finding:
    return Finding(**{**entry, "severity": Severity(entry["severity"])})


def _manifest(entry: Mapping[str, Any]) -> Manifest:
    hook = entry["hook"]
    if hook:
        events, delete = tuple(hook["events"]), tuple(hook["delete"])
        hook = Hook(events=events, weight=hook["weight"], delete=delete)
    return Manifest(**{**entry, "hook": hook or None})
