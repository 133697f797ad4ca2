"""Free text: which names have a word that begins so in what is searched of them.

The one place that knows how the database does that: a full-text table of SQLite (FTS5), one row for
each row of `pack_names`, of the same number. Another database needs these functions again, nothing
else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import DDL, ColumnElement, Connection, column, delete, event, insert, select, table

from packyard.catalog.tables import pack_names

CREATE = "CREATE VIRTUAL TABLE pack_words USING fts5(text)"
_words = table("pack_words", column("rowid"), column("text"), column("pack_words"))

event.listen(
    pack_names,
    "after_create",
    DDL(CREATE).execute_if(dialect="sqlite"),  # type: ignore[no-untyped-call]
)


def begins(word: str) -> ColumnElement[bool]:
    """Of rows of `pack_names`. A word with hyphens and the like is several in a row."""
    phrase = word.replace('"', '""').replace("\0", "")
    matching = select(_words.c.rowid).where(_words.c.pack_words.op("MATCH")(f'"{phrase}"*'))
    return pack_names.c.id.in_(matching)


def write(connection: Connection, texts: Mapping[int, str]) -> None:
    """In place of what stands there for these rows."""
    erase(connection, texts)
    if texts:
        rows = [{"rowid": number, "text": text} for number, text in texts.items()]
        connection.execute(insert(_words), rows)


def erase(connection: Connection, numbers: Iterable[int]) -> None:
    wanted = list(numbers)
    if wanted:
        connection.execute(delete(_words).where(_words.c.rowid.in_(wanted)))
