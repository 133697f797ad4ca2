"""The door: runs the words of the command line and turns every end into an exit code.

0 done, 1 refused or failed, 2 usage, 130 interrupted (spec: cli.md). `packyard version` answers
here, before anything heavy is imported.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from packyard.cli.version import version_line

INTERRUPTED = 130


def run() -> NoReturn:
    """The entry point `packyard`."""
    words = sys.argv[1:]
    if words in (["version"], ["--version"]):
        sys.stdout.write(version_line() + "\n")
        sys.exit(0)
    code = run_words(words)
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the results has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if code == INTERRUPTED:
        sys.stderr.flush()
        os._exit(code)  # without waiting for transfers in other threads
    sys.exit(code)


def run_words(words: list[str]) -> int:
    """The exit code that these words end with."""
    try:
        from packyard.cli.app import app

        app(words, prog_name="packyard")
    except SystemExit as end:
        if _was_interrupted(end):
            _say_interrupted()
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        _say_interrupted()
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  (nobody above could say it in a sentence)
        from packyard.cli.failure import report

        return report(error)
    return 0


def _was_interrupted(end: SystemExit) -> bool:
    """Whether nobody but typer has seen that; commands that know more of it say so themselves."""
    reason = end.__context__
    return reason is not None and isinstance(reason.__cause__, KeyboardInterrupt)


def _say_interrupted() -> None:
    sys.stderr.write("Interrupted. What was told above is done; run it again for the rest.\n")
