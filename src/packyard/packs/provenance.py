"""Provenance files: what a signer vouches for about a chart's archive.

A text signed by PGP: Chart.yaml's metadata, a line `...`, and the digest of the archive under its
file's name. Whether the signature is good is for those to say who hold the signer's key; here it
is only read which chart it was made for. (Helm: "Helm Provenance and Integrity"; RFC 9580, 7.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from packyard.digests import Digest, digest_of
from packyard.findings import Finding
from packyard.packs.charts import Chart, file_fault, read_chart
from packyard.packs.rules import found
from packyard.packs.values import Document
from packyard.packs.yaml.reader import Limits
from packyard.packs.yaml.scalars import Value

SIZE_LIMIT = 1024 * 1024

_FORM = re.compile(
    rb"\s*-----BEGIN PGP SIGNED MESSAGE-----[ \t]*\r?\n"
    rb"(?:[A-Za-z-]+:[^\n]*\n)*[ \t]*\r?\n"
    rb"(?P<text>.*?\n)-----BEGIN PGP SIGNATURE-----[ \t]*\r?\n"
    rb".*\n-----END PGP SIGNATURE-----\s*",
    re.DOTALL,
)
_ESCAPE = re.compile(rb"^- ", re.MULTILINE)
_PARTS = re.compile(rb"^\.\.\.\r?\n", re.MULTILINE)
_YAML_LIMITS = Limits(max_length=SIZE_LIMIT, max_nodes=20_000)


@dataclass(frozen=True, slots=True)
class Provenance:
    """The chart that was signed, and the digests of the signed files by their names."""

    name: str
    version: str
    files: Mapping[str, str]

    def faults(self, chart: Chart, archive: Digest) -> list[Finding]:
        """What keeps it from vouching for that archive of that chart."""
        if (self.name, self.version) != (chart.name, chart.version):
            return [
                _refusal(
                    f"was made for {self.name[:80]} {self.version[:80]}, not for {chart.name} "
                    f"{chart.version}"
                )
            ]
        file = f"{chart.file}.tgz"
        signed = self.files.get(file)
        if signed is None:
            return [_refusal(f"vouches for no file named {file}")]
        if signed != archive:
            return [_refusal(f"vouches for another {file}: {signed[:80]}, not {archive}")]
        return []


def read_signed_chart(
    archive: bytes, provenance: bytes | None, file: str = ""
) -> tuple[Chart | None, list[Finding]]:
    """The chart in an archive, and everything for which it and its provenance are refused.

    `file` is what the archive's file is called, where that is known.
    """
    chart, findings = read_chart(archive)
    if chart:
        findings += file_fault(chart, file)
    if provenance is not None:
        signed, faults = read_provenance(provenance)
        findings += faults
        if chart and signed:
            findings += signed.faults(chart, digest_of(archive))
    return chart, findings


def read_provenance(data: bytes) -> tuple[Provenance | None, list[Finding]]:
    """What a `.prov` says, or None with what is wrong with it."""
    if len(data) > SIZE_LIMIT:
        return None, [_refusal(f"has more than {SIZE_LIMIT:,} bytes")]
    signed = _FORM.fullmatch(data)
    parts = _PARTS.split(_ESCAPE.sub(b"", signed["text"])) if signed else []
    if len(parts) != 2:
        return None, [_refusal("is no text signed by PGP that describes a chart")]
    documents = [Document.parse(part, "", _YAML_LIMITS) for part in parts]
    metadata, sums = (document.data if document else {} for document, _ in documents)
    files = sums.get("files")
    name, version = _text(metadata.get("name")), _text(metadata.get("version"))
    if not name or not version or not isinstance(files, dict):
        return None, [_refusal("does not say which chart and which files it was made for")]
    return Provenance(name, version, {path: _text(digest) for path, digest in files.items()}), []


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""


def _refusal(fault: str) -> Finding:
    mend = "Sign the archive again: `helm package --sign`."
    return found("chart.provenance", f"The provenance file {fault}.", mend=mend)
