"""Pushing packs: several at a time, results in the order in which the packs were named."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from packyard.cli import failure, screen
from packyard.cli.folders import read_pack
from packyard.cli.progress import Transfers
from packyard.cli.target import Target
from packyard.errors import ContentRefused, PackyardError
from packyard.findings import Severity
from packyard.packs import lint
from packyard.packs.folder import package_missing_charts
from packyard.packs.model import Pack
from packyard.remotes import pack as remote

PARALLEL = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    message: str
    force: bool
    compare: bool
    allow_missing: bool


@dataclass(frozen=True, slots=True)
class Result:
    pack: Pack
    pushed: remote.Pushed
    packaged: Sequence[str]
    """Charts that were there only unpacked."""
    warnings: int


def push_all(target: Target, paths: Sequence[Path], options: Options) -> list[Path]:
    """Push every pack and say of each how it went; those that failed.

    A server that cannot be reached or wants a login is found out before, and said once.
    """
    target.client.request("GET", "/v2/")
    failed = []
    with Transfers("Pushing", len(paths)) as transfers:
        pool = ThreadPoolExecutor(PARALLEL)
        jobs = [pool.submit(_push, target, path, options, transfers) for path in paths]
        try:
            for path, job in zip(paths, jobs, strict=True):
                error = _failure_of(job)
                transfers.finished()
                if error is None:
                    _say(transfers, path, job.result())
                else:
                    failed.append(path)
                    _say_failed(transfers, path, error)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return failed


def _push(target: Target, path: Path, options: Options, transfers: Transfers) -> Result:
    files = read_pack(path)
    pack, findings = lint.check(files, allow_missing=options.allow_missing)
    if pack is None or findings:
        raise ContentRefused(f"refused for {screen.amount(len(findings), 'reason')}", findings)
    whole = package_missing_charts(files, pack)
    prepared = remote.prepare(pack, whole)
    repository = target.pack(pack.name)
    with transfers.watched(f"{pack.name}:{pack.label}", len(prepared.archive)) as watch:
        pushed = remote.push(
            repository,
            prepared,
            watch=watch,
            message=options.message,
            force=options.force,
            compare=options.compare,
            allow_missing=options.allow_missing,
        )
    news = pushed.outcome is not remote.Outcome.UNCHANGED
    found = lint.lint(whole, allow_missing=options.allow_missing) if news else []
    warnings = sum(finding.severity is Severity.WARNING for finding in found)
    return Result(pack, pushed, sorted(whole.keys() - files.keys()), warnings)


def _failure_of(job: Future[Result]) -> PackyardError | OSError | None:
    """What kept one pack from being pushed; a fault of our own is raised."""
    try:
        job.result()
    except (PackyardError, OSError) as error:
        return error
    return None


def _say(transfers: Transfers, path: Path, result: Result) -> None:
    pack, pushed = result.pack, result.pushed
    colour = "" if pushed.outcome is remote.Outcome.UNCHANGED else "green"
    outcome = screen.paint(f"{pushed.outcome:<9}", colour, sys.stdout)
    transfers.result(f"{outcome}  {pack.name}:{pack.label}  {pushed.digest}")
    for chart in result.packaged:
        transfers.message(f"  {path}: packaged {chart} from the folder beside it")
    if result.warnings:
        told = screen.amount(result.warnings, "warning")
        transfers.message(f"  {path}: {told}, told by packyard pack lint")


def _say_failed(transfers: Transfers, path: Path, error: PackyardError | OSError) -> None:
    failed = screen.paint(f"{'failed':<9}", "red", sys.stderr)
    transfers.message(f"{failed}  {path}: {screen.plain(failure.sentence(error))}")
    if isinstance(error, ContentRefused):
        for line in failure.finding_lines(error.findings):
            transfers.message(f"  {line}")
