"""One thing wrong with content: which rule, where, a sentence, and how to mend it.

Checks return lists of findings, everything at once, and raise nothing. Severities: `refuse` (the
content cannot be taken), `block` (it can be kept, but not published), `warning`, `hint`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import NamedTuple

Position = tuple[int, int]
"""Line and column, from 1; zeros where there is none."""


class Severity(StrEnum):
    REFUSE = "refuse"
    BLOCK = "block"
    WARNING = "warning"
    HINT = "hint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`line` and `column` count from 1, 0 where there is none; `path` is dotted, inside `file`.

    `layer` names the layer of a profile that the finding is about, "" for none.
    """

    rule: str
    severity: Severity
    message: str
    mend: str = ""
    layer: str = ""
    file: str = ""
    path: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """`file:line:column: severity: message [rule]`, then the mend, as compilers print it."""
        where = self.file
        if where and self.line:
            where += f":{self.line}" + (f":{self.column}" if self.column else "")
        head = f"{where}: " if where else ""
        mend = f" {self.mend}" if self.mend else ""
        return f"{head}{self.severity}: {self.message}{mend} [{self.rule}]"

    @property
    def told(self) -> str:
        """Message, line and mend, for clients that show no more than a text."""
        place = f" (line {self.line})" if self.line else ""
        return f"{self.message}{place} {self.mend}".strip()

    def as_json(self) -> dict[str, object]:
        """The finding as JSON values, without what is empty."""
        return {name: value for name, value in asdict(self).items() if value not in ("", 0)}


class Rule(NamedTuple):
    severity: Severity
    meaning: str


class Rules(Mapping[str, Rule]):
    """A package's rules by id, from what those of each severity mean."""

    def __init__(
        self,
        *,
        refuse: Mapping[str, str],
        block: Mapping[str, str],
        warning: Mapping[str, str],
        hint: Mapping[str, str],
    ) -> None:
        self._rules = {
            rule: Rule(severity, meaning)
            for severity, meanings in zip(Severity, (refuse, block, warning, hint), strict=True)
            for rule, meaning in meanings.items()
        }

    def __getitem__(self, rule: str) -> Rule:
        return self._rules[rule]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def found(
        self,
        rule: str,
        message: str,
        *,
        mend: str = "",
        layer: str = "",
        file: str = "",
        path: str = "",
        at: Position = (0, 0),
    ) -> Finding:
        """A finding of a rule of the table, with that rule's severity."""
        line, column = at
        return Finding(
            rule=rule,
            severity=self[rule].severity,
            message=message,
            mend=mend,
            layer=layer,
            file=file,
            path=path,
            line=line,
            column=column,
        )


def refusals(findings: Iterable[Finding]) -> list[Finding]:
    """Those because of which the content is not taken."""
    return [finding for finding in findings if finding.severity is Severity.REFUSE]
