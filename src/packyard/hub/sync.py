"""A synchronization from its lease to its end, whatever the registry does meanwhile.

What a registry does wrong becomes the status of the run, with its reason; the catalog stays as it
was. (Design, "Sync"; what is done is in `work`.)
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import select

from packyard.auth.secrets import Secrets
from packyard.catalog import foreign
from packyard.catalog.tables import packs
from packyard.errors import PackyardError, RegistryUnknown
from packyard.hub import opening, registries, schedule, steps
from packyard.hub.description import Kind, Registry
from packyard.hub.schedule import LeaseLost, Run, Times
from packyard.hub.work import Lease, Stopped, Work, amount
from packyard.remotes.chart_fields import cleaned
from packyard.remotes.source import Source
from packyard.storage.store import Store
from packyard.storage.transaction import Transaction

_log = logging.getLogger(__name__)


class Sync:
    """Works on runs that were taken; one object serves several threads."""

    def __init__(
        self, store: Store, vault: Secrets, settings: opening.Settings, times: Times
    ) -> None:
        self._store = store
        self._vault = vault
        self._settings = settings
        self._times = times

    def work(self, run: Run, stop: threading.Event) -> None:
        """From the lease to its end; what the registry does wrong becomes its status."""
        again = True
        with Lease(self._store, run, self._times, stop) as lease:
            try:
                with self._store.read() as connection:
                    registry = registries.get(connection, self._vault, run.registry)
                again = registry.synchronizes
                self._synchronize(registry, run, lease)
            except LeaseLost:
                _log.info("the synchronization of %s goes on elsewhere, or ended", run.registry)
            except Stopped:
                self._end(lambda tx: schedule.release(tx, run))
            except PackyardError as error:
                asked = error.detail.get("retry_after")
                wait = float(asked) if isinstance(asked, float) else 0.0
                self._fail(run, cleaned(error.message), wait=wait, again=again)
            except Exception:  # noqa: BLE001 - whatever it was, the others go on
                _log.exception("the synchronization of %s failed", run.registry)
                self._fail(run, "A fault of this server; its log tells more.", again=again)

    def _synchronize(self, registry: Registry, run: Run, lease: Lease) -> None:
        settings = replace(self._settings, wanted=lease.is_held)
        try:
            with opening.opened(registry, settings) as source:
                if not registry.synchronizes:
                    self._look(registry, source, run, lease)
                    return
                listing = source.listing(run.marks, self._places(registry))
                if listing is None:
                    self._end(lambda tx: self._unchanged(tx, run))
                else:
                    Work(self._store, source, run, lease, self._times).do(listing)
        except PackyardError:
            lease.check()  # what was given up since nobody wants it any more is nobody's fault
            raise

    def _places(self, registry: Registry) -> list[str]:
        """The repositories of which the catalog has something."""
        if registry.kind not in (Kind.OCI, Kind.ECR):
            return []
        known = packs.c.source == registry.uid, packs.c.gone_at == 0
        with self._store.read() as connection:
            return list(connection.scalars(select(packs.c.place).where(*known).distinct()))

    def _look(self, registry: Registry, source: Source, run: Run, lease: Lease) -> None:
        """What a registry says of itself, once, where its content stays out of the catalog."""
        message = "It answers, and is not synchronized."
        if registry.kind is Kind.HELM:
            names: set[str] = set()
            count = 0
            listing = source.listing({})
            for page in listing.pages if listing else ():
                lease.check()
                names |= {offer.name for offer in page.offers}
                count += len(page.offers)
            held = f"{amount(count, 'version')} of {amount(len(names), 'chart')}"
            message = f"It has {held}, and is not synchronized."
        else:
            opening.try_out(registry, source)
        self._end(
            lambda tx: schedule.complete(
                tx, run, self._times, message, marks={}, done=0, again=False
            )
        )

    def _unchanged(self, tx: Transaction, run: Run) -> None:
        done = foreign.count(tx.connection, run.registry)
        faults = steps.count_reported(tx.connection, run.registry)
        broken = f"; {faults} could not be taken whole" if faults else ""
        message = f"Nothing changed since the last synchronization{broken}."
        schedule.complete(tx, run, self._times, message, marks=run.marks, done=done)

    def _fail(self, run: Run, message: str, *, wait: float = 0.0, again: bool) -> None:
        self._end(lambda tx: schedule.fail(tx, run, self._times, message, wait=wait, again=again))

    def _end(self, change: Callable[[Transaction], None]) -> None:
        try:
            with self._store.write() as tx:
                change(tx)
        except (LeaseLost, RegistryUnknown):
            pass  # whoever holds it now says how it ends
