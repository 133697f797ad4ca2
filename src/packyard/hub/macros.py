"""Macros that people define for a project or for the tenant: names for texts (macros.md, 4).

A name is unique in its scope, and a project's counts more than the tenant's. The audit holds names
alone, because values may be anything. One that a profile still names is taken away by force alone;
that changes no profile.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from packyard.auth.users import require_projects
from packyard.errors import MacrosInvalid, MacroUnknown, several
from packyard.hub import usage
from packyard.hub.tables import macros
from packyard.storage.audit import Act
from packyard.storage.store import Store
from packyard.storage.transaction import Transaction

KIND = "macro"  # in the audit
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_NAME_LIMIT = 255  # characters
_VALUE_LIMIT = 1024 * 1024  # characters
_COUNT_LIMIT = 10_000  # of one scope
_DONE = {Act.CREATE: "Added", Act.UPDATE: "Set", Act.DELETE: "Deleted"}


class Macro(NamedTuple):
    name: str
    value: str


class Owner(NamedTuple):
    """The project or the tenant that macros are for; `project` is "" for the tenant."""

    uid: str
    name: str
    project: str

    def __str__(self) -> str:
        return f"the project {self.name}" if self.project else "the tenant"


def of(connection: Connection, owner_uid: str) -> list[Macro]:
    """By name."""
    found = select(macros.c.name, macros.c.value).where(macros.c.scope == owner_uid)
    return [Macro(*row) for row in connection.execute(found.order_by(macros.c.name))]


# Changing. Each is one transaction, with its row of the audit, and all or nothing.


def add(store: Store, owner: Owner, given: Sequence[Macro]) -> None:
    """Raises `MacrosInvalid` with all that is wrong, names that are there among it."""
    with store.write() as tx:
        standing = _standing(tx, owner)
        taken = sorted(standing.keys() & {macro.name for macro in given})
        faults = [f"{several(taken)}: there already, PUT or PATCH changes it."] if taken else []
        _check(given, faults, len(standing) + len(given))
        _insert(tx, owner, given)
        _record(tx, Act.CREATE, owner, [macro.name for macro in given], f"to {owner}")


def replace(store: Store, owner: Owner, given: Sequence[Macro], *, force: bool = False) -> None:
    """Let these be all there are. Raises `MacrosInvalid`, and without `force` `InUse`."""
    _check(given, (), len(given))
    with store.write() as tx:
        standing = _standing(tx, owner)
        if standing == dict(given):
            return
        if not force:
            _require_unused(tx, owner, standing.keys() - dict(given).keys())
        tx.connection.execute(delete(macros).where(macros.c.scope == owner.uid))
        _insert(tx, owner, given)
        kept = [macro.name for macro in given] or ["none"]
        _record(tx, Act.UPDATE, owner, kept, f"in place of all macros of {owner}")


def change(store: Store, owner: Owner, given: Sequence[Macro]) -> None:
    """Give those of these names other values. Raises `MacrosInvalid`, `MacroUnknown`."""
    _check(given, (), len(given))
    with store.write() as tx:
        standing = _standing(tx, owner)
        unknown = [macro.name for macro in given if macro.name not in standing]
        if unknown:
            raise MacroUnknown(f"There is no macro {several(unknown)} in {owner}; POST adds it.")
        changed = [macro for macro in given if standing[macro.name] != macro.value]
        for macro in changed:
            same = (macros.c.scope == owner.uid) & (macros.c.name == macro.name)
            tx.connection.execute(update(macros).where(same).values(value=macro.value))
        _record(tx, Act.UPDATE, owner, [macro.name for macro in changed], f"of {owner}")


def remove(store: Store, owner: Owner, names: Iterable[str], *, force: bool = False) -> None:
    """Take those of these names away; what is not there is away already. Raises `InUse` without
    `force`."""
    with store.write() as tx:
        gone = sorted(_standing(tx, owner).keys() & set(names))
        if not force:
            _require_unused(tx, owner, gone)
        for name in gone:
            same = (macros.c.scope == owner.uid) & (macros.c.name == name)
            tx.connection.execute(delete(macros).where(same))
        _record(tx, Act.DELETE, owner, gone, f"of {owner}")


def _require_unused(tx: Transaction, owner: Owner, names: Iterable[str]) -> None:
    """Raises `InUse` where profiles name one of them and no other would take its place."""
    usage.require_unused_macros(tx.connection, owner.project, sorted(names))


def _standing(tx: Transaction, owner: Owner) -> dict[str, str]:
    """Raises `ProjectUnknown` where the project went away since it was asked for."""
    if owner.project:
        require_projects(tx.connection, [owner.project])
    return dict(of(tx.connection, owner.uid))


def _insert(tx: Transaction, owner: Owner, given: Sequence[Macro]) -> None:
    if given:
        rows = [{"scope": owner.uid, **macro._asdict()} for macro in given]
        tx.connection.execute(insert(macros), rows)


def _record(tx: Transaction, act: Act, owner: Owner, names: Sequence[str], where: str) -> None:
    """Nothing where nothing changed."""
    if names:
        told = several(names)
        message = f"{_DONE[act]} macros {told} {where}"
        tx.record(act, KIND, owner.uid, told[:_NAME_LIMIT], message, project=owner.project)


def _check(given: Sequence[Macro], faults: Iterable[str], count: int) -> None:
    found = [*_faults(given), *faults]
    if count > _COUNT_LIMIT:
        found.append(f"There are {count} macros then; up to {_COUNT_LIMIT} can be.")
    if found:
        raise MacrosInvalid(" ".join(found))


def _faults(given: Sequence[Macro]) -> Iterator[str]:
    unfit = [m.name for m in given if len(m.name) > _NAME_LIMIT or not _NAME.fullmatch(m.name)]
    if unfit:
        yield (
            f"{several([repr(name[:_NAME_LIMIT]) for name in unfit])}: a name has 1 to "
            f"{_NAME_LIMIT} letters, digits, '_', '.' and '-', the last two not at its beginning."
        )
    times = Counter(macro.name for macro in given)
    twice = [name for name, count in times.items() if count > 1]
    if twice:
        yield f"{several([name[:_NAME_LIMIT] for name in twice])}: named more than once."
    long = [macro.name[:_NAME_LIMIT] for macro in given if len(macro.value) > _VALUE_LIMIT]
    if long:
        yield f"{several(long)}: a value has up to {_VALUE_LIMIT} characters."
