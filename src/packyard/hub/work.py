"""What a synchronization does: list, read what changed step by step, change the catalog at once.

Listing and reading leave `steps` behind that survive the death of whoever works; the new catalog of
the source becomes visible in one transaction, with the end of the run. Before that the old one
stays, whatever happens.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Self

from packyard.catalog import foreign
from packyard.catalog.foreign import Arrival
from packyard.errors import (
    ContentRefused,
    Invalid,
    PackyardError,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
)
from packyard.hub import reading, schedule, steps
from packyard.hub.plan import Plan
from packyard.hub.reading import Outcome
from packyard.hub.schedule import LeaseLost, Run, Times
from packyard.hub.steps import Item
from packyard.remotes.source import Kind, Listing, Offer, Source
from packyard.storage.content import now
from packyard.storage.store import Store
from packyard.storage.transaction import Transaction

_log = logging.getLogger(__name__)

PARALLEL = 8
_WINDOW = 4 * PARALLEL
_STEP = 25
"""Offers whose content is written in one transaction."""
_PATIENCE = 10
"""Failures of the way to the registry in a row, after which the others are not tried."""
_REASON_LIMIT = 2000

Key = tuple[str, str]


class Stopped(Exception):
    """This server ends; another run goes on."""


class Lease:
    """Renews the lease of a run while the block runs, and tells people how far it is."""

    def __init__(self, store: Store, run: Run, times: Times, stop: threading.Event) -> None:
        self.done = 0
        self.total = 0
        self._store = store
        self._run = run
        self._times = times
        self._stop = stop
        self._lost = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        self._thread.join()

    def check(self) -> None:
        """Raise what keeps the work from going on."""
        if self._lost.is_set():
            raise LeaseLost
        if self._stop.is_set():
            raise Stopped

    def _keep(self) -> None:
        pause = self._times.lease.total_seconds() / 5
        while not self._ended.wait(pause):
            try:
                with self._store.write() as tx:
                    schedule.renew(tx, self._run, self._times, self.done, self.total)
            except LeaseLost:
                self._lost.set()
                return
            except PackyardError as error:  # a full disk: the lease ends if that lasts
                _log.warning("a lease was not renewed: %s", error.message)


class Work:
    """The steps of one run that found something to list."""

    def __init__(self, store: Store, source: Source, run: Run, lease: Lease, times: Times) -> None:
        self._store = store
        self._source = source
        self._run = run
        self._lease = lease
        self._times = times
        self._registry = run.registry
        with store.read() as connection:
            former = [] if run.forced else steps.reported(connection, run.registry)
            self._plan = Plan(foreign.known(connection, run.registry), former)

    def do(self, listing: Listing) -> None:
        for page in listing.pages:
            self._lease.check()
            self._stage(self._plan.take(page))
            self._lease.done = self._plan.count - self._plan.changed
        self._lease.total = self._plan.count
        self._read(self._whole())
        self._lease.check()
        self._publish(listing)

    def _stage(self, offers: list[Offer]) -> None:
        if offers:
            with self._store.write() as tx:
                steps.stage(tx.connection, self._registry, self._run.number, offers)

    def _whole(self) -> dict[Key, Offer]:
        """The newest version of each chart, where the catalog does not have its contents."""
        with self._store.read() as connection:
            read = steps.read(connection, self._registry, self._run.number)
        newest = {
            (offer.name, offer.tag): (offer, known)
            for offer, known in self._plan.newest_charts()
            if (offer.name, offer.tag) not in read and not (known and known.has_contents)
        }
        self._stage([offer for offer, known in newest.values() if known])
        return {key: offer for key, (offer, _) in newest.items()}

    def _read(self, whole: dict[Key, Offer]) -> None:
        """Read what has to be read, several at once, and keep it step by step."""
        with self._store.read() as connection:
            unread = steps.unread(connection, self._registry, self._run.number)
            wanted = [
                offer
                for offer in unread
                if (offer.name, offer.tag) in whole or _has_to_be_read(offer)
            ]
        kept: list[Item] = []
        failures = 0
        for offer, outcome in _in_parallel(lambda one: self._outcome(one, whole), wanted):
            self._lease.check()
            self._lease.done += 1
            failures = failures + 1 if outcome.error and _is_way(outcome.error) else 0
            kept.append(_item(offer, outcome))
            if len(kept) >= _STEP or failures >= _PATIENCE:
                self._keep(kept)
                kept = []
            if failures >= _PATIENCE and outcome.error:
                raise outcome.error
        self._keep(kept)

    def _outcome(self, offer: Offer, whole: dict[Key, Offer]) -> Outcome:
        self._lease.check()
        is_whole = (offer.name, offer.tag) in whole
        return reading.read(self._source, self._registry, offer, whole=is_whole)

    def _keep(self, items: list[Item]) -> None:
        if items:
            with self._store.write() as tx:
                steps.keep(tx.connection, self._registry, items)

    def _publish(self, listing: Listing) -> None:
        plan = self._plan
        with self._store.write() as tx:
            connection = tx.connection
            schedule.renew(tx, self._run, self._times, self._lease.done, self._lease.total)
            labels: dict[str, str] = {}
            foreign.arrive(connection, self._registry, self._arrivals(tx, labels))
            gone = plan.gone()
            foreign.confirm(connection, plan.returned(), plan.moved)
            foreign.depart(connection, gone, now())
            foreign.lead(connection, self._registry, plan.leads(labels))
            steps.report(connection, self._registry, plan.faults)
            steps.clear(connection, self._registry)
            message = _message(plan, len(labels), len(gone))
            schedule.complete(
                tx, self._run, self._times, message, marks=listing.marks, done=plan.count
            )
        _log.info("synchronized %s: %s", self._registry, message)

    def _arrivals(self, tx: Transaction, labels: dict[str, str]) -> Iterator[Arrival]:
        """What the steps left for the catalog; `labels` gets the label of each uid."""
        for item in steps.staged(tx.connection, self._registry, self._run.number):
            try:
                arrival = self._arrival(item)
            except ContentRefused as refused:
                self._plan.failed(item.offer, _reason(refused), lasting=True)
                continue
            if arrival is not None:
                entry = arrival.entry
                labels[entry.uid] = entry.label
                self._plan.arrived(entry.uid, entry.name, item.offer.tags)
                yield arrival

    def _arrival(self, item: Item) -> Arrival | None:
        offer = item.offer
        described = offer.kind is Kind.CHART and bool(offer.metadata)
        if item.found is None and not described:
            self._plan.failed(offer, item.fault or "It was not read.", lasting=item.lasting)
            return None
        if item.fault:
            self._plan.note(offer, item.fault, lasting=item.lasting)
        if item.found is None:
            return Arrival(reading.chart_entry(self._registry, offer))
        return Arrival(item.found.entry, item.found.contents)


def _in_parallel(
    function: Callable[[Offer], Outcome], offers: Iterable[Offer]
) -> Iterator[tuple[Offer, Outcome]]:
    """Each offer with what came of it, in the order in which they are done."""
    rest = iter(offers)
    with ThreadPoolExecutor(PARALLEL, thread_name_prefix="sync") as pool:
        running: dict[Future[Outcome], Offer] = {}
        try:
            while True:
                for offer in islice(rest, _WINDOW - len(running)):
                    running[pool.submit(function, offer)] = offer
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _has_to_be_read(offer: Offer) -> bool:
    """A listing says of packs where they are, of some charts what they are."""
    return offer.kind is Kind.PACK or not offer.metadata


def _item(offer: Offer, outcome: Outcome) -> Item:
    error = outcome.error
    if error is None:
        return Item(offer, outcome.found)
    lasting = isinstance(error, Invalid | TooLarge)
    return Item(offer, outcome.found, _reason(error), lasting=lasting)


def _is_way(error: PackyardError) -> bool:
    """Whether it is the way to the registry that failed, and not what was asked for."""
    return isinstance(error, Unauthenticated | TooManyRequests) or bool(error.detail.get("broken"))


def _reason(error: PackyardError) -> str:
    findings = error.findings if isinstance(error, ContentRefused) else ()
    return " ".join([error.message, *(finding.message for finding in findings)])[:_REASON_LIMIT]


def _message(plan: Plan, changed: int, gone: int) -> str:
    parts = [f"{plan.count} versions", f"{changed} new or changed", f"{gone} gone"]
    if plan.faults:
        parts.append(f"{len(plan.faults)} that could not be taken")
    return ", ".join(parts) + "."
