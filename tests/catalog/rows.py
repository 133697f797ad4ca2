"""Rows for the tests of the catalog."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from packyard.catalog.entries import Entry, pack_uid
from packyard.digests import digest_of
from packyard.references import Tag


def version(source: str, name: str, label: str, **changes: Any) -> Entry:
    digest = digest_of(f"{name} {label} {changes}".encode())
    made = Entry(
        uid=pack_uid(source, name, label),
        source=source,
        name=name,
        label=Tag(label),
        group="",
        version=label,
        display_name=name.title(),
        layer="addon",
        addon_type="",
        addon_sub_type="",
        system_state="",
        annotations={"description": f"Says {label.replace('.', '-')}"},
        digest=digest,
        content_digest=digest,
        archive_digest=digest,
        size=1,
        message="",
        pushed_by="",
        pushed_at=0,
        clouds=("all",),
    )
    return replace(made, **changes)
