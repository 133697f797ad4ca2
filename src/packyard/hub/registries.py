"""The list of registries that the hub reads: rows, and their secrets sealed.

The built-in registry is no row here: it cannot be changed. Functions take a transaction that
somebody else opened, so a registry and its first synchronization become visible together.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from packyard.auth.secrets import Secrets
from packyard.catalog import foreign
from packyard.catalog.tables import sources
from packyard.errors import Conflict, RegistryInvalid, RegistryUnknown
from packyard.hub import steps, usage
from packyard.hub.description import (
    SECRET,
    Auth,
    Aws,
    Kind,
    Provider,
    Registry,
    Tls,
    faults,
    with_kept_secrets,
)
from packyard.hub.tables import registries
from packyard.storage.audit import Act
from packyard.storage.content import now
from packyard.storage.transaction import Transaction


def add(tx: Transaction, vault: Secrets, registry: Registry) -> Registry:
    """Keep a new one; raise `RegistryInvalid` for faults, `Conflict` where the name is taken."""
    require_sound(registry)
    _require_free(tx.connection, registry.name, but="")
    time = now()
    kept = replace(
        registry,
        uid=secrets.token_hex(12),
        labels=registry.labels or {},
        annotations=registry.annotations or {},
        created_at=time,
        changed_at=time,
    )
    tx.connection.execute(
        insert(sources).values(uid=kept.uid, kind=kept.kind.value, name=kept.name)
    )
    tx.connection.execute(insert(registries).values(uid=kept.uid, **_row(kept)))
    _seal(tx, vault, kept)
    tx.record(Act.CREATE, "registry", kept.uid, kept.name, f"Added the registry {kept.name}")
    return kept


def change(tx: Transaction, vault: Secrets, registry: Registry) -> Registry:
    """Put it in the place of the one of its uid and kind; a secret that was not given stays,
    as do labels and annotations.

    Raises `RegistryUnknown`, `RegistryInvalid`, `Conflict`.
    """
    former = get(tx.connection, vault, registry.uid)
    if former.kind is not registry.kind:
        raise _unknown(registry.uid)
    kept = replace(
        with_kept_secrets(registry, former),
        labels=former.labels if registry.labels is None else registry.labels,
        annotations=former.annotations if registry.annotations is None else registry.annotations,
        created_at=former.created_at,
        changed_at=now(),
    )
    require_sound(kept)
    _require_free(tx.connection, kept.name, but=kept.uid)
    tx.connection.execute(update(sources).where(sources.c.uid == kept.uid).values(name=kept.name))
    tx.connection.execute(
        update(registries).where(registries.c.uid == kept.uid).values(**_row(kept))
    )
    _seal(tx, vault, kept)
    if not kept.synchronizes:
        foreign.withdraw(tx.connection, kept.uid, kept.changed_at)
        steps.report(tx.connection, kept.uid, ())
    tx.record(Act.UPDATE, "registry", kept.uid, kept.name, f"Changed the registry {kept.name}")
    return kept


def remove(tx: Transaction, vault: Secrets, uid: str, *, force: bool = False) -> None:
    """Forget it with everything that the catalog has of it; raises `RegistryUnknown`, and without
    `force` `InUse` where cluster profiles have packs of it."""
    former = find(tx.connection, uid)
    if not force:
        usage.require_unused(f"The registry {former.name}", usage.of_registry(tx.connection, uid))
    foreign.remove_source(tx.connection, uid)
    tx.connection.execute(delete(registries).where(registries.c.uid == uid))
    tx.connection.execute(delete(sources).where(sources.c.uid == uid))
    vault.forget(tx, _owner(uid))
    tx.record(Act.DELETE, "registry", uid, former.name, f"Removed the registry {former.name}")


def get(connection: Connection, vault: Secrets, uid: str) -> Registry:
    """With its secrets, for whoever calls it; raises `RegistryUnknown`."""
    given = json.loads(vault.get(connection, _owner(uid)) or b"{}")
    return _found(connection, uid, given)


def find(connection: Connection, uid: str) -> Registry:
    """Without its secrets; raises `RegistryUnknown`."""
    return _found(connection, uid, {})


def every(connection: Connection, *kinds: Kind) -> list[Registry]:
    """Those of these kinds, or all, by name; without their secrets."""
    chosen = _all().order_by(sources.c.name)
    if kinds:
        chosen = chosen.where(sources.c.kind.in_([kind.value for kind in kinds]))
    return [_registry(row, {}) for row in connection.execute(chosen).mappings()]


def require_sound(registry: Registry) -> None:
    """Raise `RegistryInvalid` with every fault of a description."""
    found = faults(registry)
    if found:
        raise RegistryInvalid(" ".join(found))


def _found(connection: Connection, uid: str, given: Mapping[str, Mapping[str, str]]) -> Registry:
    row = connection.execute(_all().where(registries.c.uid == uid)).mappings().one_or_none()
    if row is None:
        raise _unknown(uid)
    return _registry(row, given)


def _require_free(connection: Connection, name: str, *, but: str) -> None:
    taken = connection.scalar(
        select(sources.c.uid).where(sources.c.name == name, sources.c.uid != but)
    )
    if taken:
        raise Conflict(f"There is a registry named {name!r} already.")


def _unknown(uid: str) -> RegistryUnknown:
    return RegistryUnknown(f"There is no registry {uid[:100]!r}.")


def _owner(uid: str) -> str:
    return f"registry/{uid}"


def _all() -> Any:
    return select(registries, sources.c.kind, sources.c.name).join(
        sources, sources.c.uid == registries.c.uid
    )


def _row(registry: Registry) -> dict[str, object]:
    settings = {
        section: {
            name: value
            for name, value in asdict(getattr(registry, section)).items()
            if name not in names
        }
        for section, names in SECRET.items()
    }
    return {
        "provider": registry.provider.value,
        "endpoint": registry.endpoint,
        "base_path": registry.base_path,
        "base_content_path": registry.base_content_path,
        "scope": registry.scope,
        "is_private": registry.is_private,
        "is_sync_supported": registry.is_sync_supported,
        "settings": settings,
        "labels": dict(registry.labels or {}),
        "annotations": dict(registry.annotations or {}),
        "created_at": registry.created_at,
        "changed_at": registry.changed_at,
    }


def _seal(tx: Transaction, vault: Secrets, registry: Registry) -> None:
    given = {
        section: {
            name: value for name in names if (value := getattr(getattr(registry, section), name))
        }
        for section, names in SECRET.items()
    }
    if any(given.values()):
        vault.put(tx, _owner(registry.uid), json.dumps(given))
    else:
        vault.forget(tx, _owner(registry.uid))


def _registry(row: RowMapping, given: Mapping[str, Mapping[str, str]]) -> Registry:
    settings = {name: {**row["settings"][name], **given.get(name, {})} for name in SECRET}
    return Registry(
        uid=row["uid"],
        name=row["name"],
        kind=Kind(row["kind"]),
        provider=Provider(row["provider"]),
        endpoint=row["endpoint"],
        base_path=row["base_path"],
        base_content_path=row["base_content_path"],
        auth=Auth(**settings["auth"]),
        tls=Tls(**settings["tls"]),
        aws=Aws(**settings["aws"]),
        scope=row["scope"],
        is_private=row["is_private"],
        is_sync_supported=row["is_sync_supported"],
        labels=row["labels"],
        annotations=row["annotations"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
    )
