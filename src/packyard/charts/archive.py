"""A chart's archive read, checked and packed anew, so that what was checked is what Helm loads.

Two readers of one tar file can see different files in it. Helm is therefore never given the
archive that came, but one made of the files that were read here. Names are those that Helm sees
(its `archive` package): below the archive's top folder, whatever that is called, with `/` between
their parts. Archives of subcharts under `charts/` are read as well, all within one budget.
"""

from __future__ import annotations

import gzip
import io
import posixpath
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from packyard.charts.rules import found
from packyard.findings import Finding

_MIB = 1024 * 1024
_MAX_BYTES = 100 * _MIB  # as Helm
_MAX_FILE_BYTES = 5 * _MIB  # as Helm
_MAX_FILES = 20_000
_MAX_DEPTH = 16
_BOM = b"\xef\xbb\xbf"
_SUBCHART = re.compile(r"(?:charts/[^/]+/)*charts/[^/_.][^/]*\.tgz")
_DRIVE = re.compile(r"[A-Za-z]:/")
_NESTED = re.compile(r"(?:^|/)charts/")


class Refused(Exception):
    """An archive that is not given to Helm, and why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


@dataclass(frozen=True, slots=True)
class Source:
    """The files of a chart by name; those of `subcharts` stand under their archive's name, too."""

    files: dict[str, bytes]
    subcharts: dict[str, Source]

    def everything(self, prefix: str = "") -> Iterator[tuple[str, bytes]]:
        """Every file, those inside archives of subcharts under `<archive's name>/`."""
        for name, data in self.files.items():
            if name not in self.subcharts:
                yield prefix + name, data
        for name, source in self.subcharts.items():
            yield from source.everything(f"{prefix}{name}/")

    def packed(self) -> bytes:
        """An archive of exactly these files, not compressed."""
        out = io.BytesIO()
        with (
            gzip.GzipFile(fileobj=out, mode="wb", compresslevel=0, mtime=0) as zipped,
            tarfile.open(fileobj=zipped, mode="w|", format=tarfile.PAX_FORMAT) as tar,
        ):
            for name, data in self.files.items():
                member = tarfile.TarInfo(f"chart/{name}")
                subchart = self.subcharts.get(name)
                content = subchart.packed() if subchart else data
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        return out.getvalue()


@dataclass(slots=True)
class _Budget:
    bytes_left: int = _MAX_BYTES
    files_left: int = _MAX_FILES
    trail: list[str] = field(default_factory=list)

    @property
    def where(self) -> str:
        return f"The archive {'/'.join(self.trail)!r} in the chart" if self.trail else "The archive"


def read(data: bytes) -> Source:
    """The chart in `data`, a gzipped tar file; raises `Refused`."""
    return _read(data, _Budget())


def _read(data: bytes, budget: _Budget) -> Source:
    files: dict[str, bytes] = {}
    try:
        with (
            gzip.GzipFile(fileobj=io.BytesIO(data)) as unzipped,
            tarfile.open(fileobj=_Counted(unzipped, budget), mode="r|", tarinfo=_Member) as tar,
        ):
            for member in tar:
                if not member.isdir():
                    name = _name(member.name, budget)
                    files[name] = _content(tar, member, budget).removeprefix(_BOM)
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError) as error:
        reason = str(error).rstrip(".") or "it ends in the middle"
        message = f"{budget.where} is no gzipped tar file that Helm could read: {reason}."
        raise _refused("helm.archive", message, "Package the chart again.") from None
    if not files:
        raise _refused("helm.archive", f"{budget.where} holds no files.")
    subcharts = {}
    for name, content in files.items():
        if _SUBCHART.fullmatch(name):
            budget.trail.append(name)
            if len(budget.trail) > _MAX_DEPTH:
                raise _refused("helm.too-large", f"Subcharts are nested over {_MAX_DEPTH} deep.")
            subcharts[name] = _read(content, budget)
            budget.trail.pop()
    return Source(files, subcharts)


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo, budget: _Budget) -> bytes:
    """The bytes of a member; of a link or device none, which is what Helm reads there."""
    if member.issparse():
        raise _refused("helm.archive", f"{budget.where} holds a sparse file.")
    if member.size > _MAX_FILE_BYTES:
        message = (
            f"{budget.where} holds the file {member.name[:200]!r} of {member.size:,} bytes; Helm "
            f"takes at most {_MAX_FILE_BYTES:,}."
        )
        raise _refused("helm.too-large", message)
    stream = tar.extractfile(member) if member.isreg() else None
    return stream.read() if stream else b""


def _name(name: str, budget: _Budget) -> str:
    """The name that Helm gives the file: without the top folder, cleaned."""
    budget.files_left -= 1
    if budget.files_left < 0:
        raise _refused("helm.too-large", f"{budget.where} holds more than {_MAX_FILES:,} files.")
    delimiter = "\\" if "\\" in name else "/"
    top, _, rest = name.partition(delimiter)
    rest = rest.replace(delimiter, "/")
    clean = posixpath.normpath(rest) if rest else "."
    outside = rest.startswith("/") or clean == "." or clean.startswith("..")
    if outside or _DRIVE.match(clean) or top == "Chart.yaml":
        message = f"{budget.where} holds {name[:200]!r}, which lies in no folder of a chart."
        raise _refused("helm.archive", message, "Package the chart with its folder at the top.")
    if len(_NESTED.findall(clean)) > _MAX_DEPTH:
        raise _refused("helm.too-large", f"Subcharts are nested over {_MAX_DEPTH} deep.")
    try:
        clean.encode()
    except UnicodeEncodeError:
        message = f"{budget.where} holds a name that is not UTF-8: {name[:200]!r}."
        raise _refused("helm.archive", message) from None
    return clean


class _Member(tarfile.TarInfo):
    """A header; a damaged one is an error everywhere, not the end of the archive."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tar)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(str(error)) from None


class _Counted(io.RawIOBase):
    """What is unzipped, up to the budget."""

    def __init__(self, stream: io.BufferedIOBase, budget: _Budget) -> None:
        self._stream = stream
        self._budget = budget

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(min(size, _MIB) if size >= 0 else _MIB)
        self._budget.bytes_left -= len(data)
        if self._budget.bytes_left < 0:
            message = (
                f"{self._budget.where} unpacks to more than {_MAX_BYTES:,} bytes, all subcharts "
                "included; Helm takes no more."
            )
            raise _refused("helm.too-large", message, "It looks like a decompression bomb.")
        return data


def _refused(rule: str, message: str, mend: str = "") -> Refused:
    return Refused(found(rule, message, mend=mend))
