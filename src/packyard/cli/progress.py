"""Progress on a terminal: bars for what is under way; elsewhere nothing.

rich is imported only where bars are drawn.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self, TextIO

from packyard.cli import screen
from packyard.remotes.transfer import Watch

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class _Bars:
    """Drawn within a `with`, where there is a terminal to draw them on."""

    def __init__(self) -> None:
        self._progress = _new_progress() if screen.is_terminal(sys.stderr) else None

    def __enter__(self) -> Self:
        if self._progress:
            self._progress.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._progress:
            self._progress.stop()


class Transfers(_Bars):
    """Packs on their way; threads may share it. Lines printed through it do not cut the bars."""

    def __init__(self, verb: str, total: int) -> None:
        super().__init__()
        self._all: TaskID | None = None
        if self._progress:
            self._all = self._progress.add_task(verb, total=total, state=f"0/{total}")
        self._done, self._total = 0, total

    @contextmanager
    def watched(self, name: str, size: int | None = None) -> Iterator[Watch]:
        """A bar of `size` bytes (None where nobody knows) for one transfer, as long as it lasts."""
        progress = self._progress
        if progress is None:
            yield lambda _: None
            return
        task = progress.add_task(f"  {screen.plain(name)}", total=size, state="")
        of_all = f" / {screen.size(size)}" if size is not None else ""
        try:
            yield lambda done: progress.update(
                task, completed=done, state=f"{screen.size(done)}{of_all}"
            )
        finally:
            progress.remove_task(task)

    def finished(self) -> None:
        """One of all is through, or has failed."""
        self._done += 1
        if self._progress and self._all is not None:
            self._progress.update(
                self._all, completed=self._done, state=f"{self._done}/{self._total}"
            )

    def result(self, text: str) -> None:
        self._print(sys.stdout, text)

    def message(self, text: str) -> None:
        self._print(sys.stderr, text)

    def _print(self, stream: TextIO, text: str) -> None:
        if self._progress and stream.isatty():
            from rich.text import Text

            self._progress.console.print(Text.from_ansi(text), soft_wrap=True)
        elif stream is sys.stdout:
            screen.result(text)
        else:
            screen.message(text)


class Counts(_Bars):
    """Bars of things done of things to do, a bar for each of several works."""

    def __init__(self) -> None:
        super().__init__()
        self._tasks: dict[str, TaskID] = {}

    def show(self, name: str, done: int, total: int, state: str) -> None:
        """How far one is; a `total` of 0 is not known yet. Elsewhere than on a terminal nothing."""
        if self._progress is None:
            return
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(screen.plain(name), total=None, state="")
        said = f"{done}/{total}" if total else state
        self._progress.update(
            self._tasks[name], completed=done, total=total or None, state=screen.plain(said)
        )


def _new_progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[state]}", markup=False),
        console=Console(stderr=True, highlight=False),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
