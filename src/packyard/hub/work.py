"""What a synchronization does: list, read what changed step by step, change the catalog at once.

Listing and reading leave `steps` behind that survive the death of whoever works; the new catalog of
the source becomes visible in one transaction, with the end of the run. Before that the old one
stays, whatever happens.
"""

from __future__ import annotations

import logging
import threading
import time
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
    RemoteFailed,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
)
from packyard.hub import reading, schedule, steps
from packyard.hub.plan import Plan
from packyard.hub.reading import Outcome
from packyard.hub.schedule import LeaseLost, Run, Times
from packyard.remotes.source import Kind, Listing, Offer, Source
from packyard.storage.content import now
from packyard.storage.store import Store

_log = logging.getLogger(__name__)

PARALLEL = 8
_WINDOW = 4 * PARALLEL
_STEP = 25
"""Offers whose content is written in one transaction."""
_PAUSE = 1.0
"""Seconds after which what was read is written, however few it is."""
_PATIENCE = 10
"""Failures of the way to the registry in a row, after which the others are not tried."""
_ODD = 100
"""Unforeseen faults, each with its trace in the log, after which it is no oddity of one."""
_REASON_LIMIT = 2000
MOST = 500_000
"""Versions of one registry."""

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

    def is_held(self) -> bool:
        """Whether the work goes on."""
        return not (self._lost.is_set() or self._stop.is_set())

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
        self._kept: list[str] = []
        self._odd = 0
        with store.read() as connection:
            self._plan = Plan(
                foreign.known(connection, run.registry),
                steps.left(connection, run.registry),
                [] if run.forced else steps.reported(connection, run.registry),
            )

    def do(self, listing: Listing) -> None:
        wanted: list[Offer] = []
        for page in listing.pages:
            self._lease.check()
            new = self._plan.take(page)
            if self._plan.count + len(self._plan.faults) > MOST:
                raise TooLarge(f"The registry lists more than {MOST} versions, the limit.")
            self._put([(offer, found) for offer in new if (found := self._described(offer))])
            wanted += [offer for offer in new if not _is_described(offer)]
            self._lease.total = self._plan.count
        self._require_something()
        self._read(wanted)
        self._lease.check()
        self._publish(listing)

    def _require_something(self) -> None:
        """An empty list is what is seen of a registry whose storage is gone, or that shows these
        credentials nothing any more: only who forces it means it."""
        emptied = self._plan.emptied()
        if emptied and not self._run.forced:
            held = "the version" if emptied == 1 else f"the {emptied} versions"
            raise RemoteFailed(
                f"The registry lists nothing any more: {held} of it that the catalog has stay. "
                "Synchronize it by force if it was emptied on purpose."
            )

    def _described(self, offer: Offer) -> Arrival | None:
        """What the listing itself says of a chart is its row."""
        if not _is_described(offer):
            return None
        outcome = reading.read(self._source, self._registry, offer, whole=False)
        self._judge(offer, outcome)
        return outcome.arrival

    def _read(self, wanted: list[Offer]) -> None:
        """Read what has to be read, several at once, and put it down step by step."""
        whole = {_key(offer): offer for offer in self._plan.newest_charts()}
        every = {**whole, **{_key(offer): offer for offer in wanted}}
        self._lease.done = self._plan.count - len(every)
        read: list[tuple[Offer, Arrival]] = []
        failures, written_at = 0, time.monotonic()
        for offer, outcome in _in_parallel(lambda one: self._outcome(one, whole), every.values()):
            self._lease.check()
            self._lease.done += 1
            error = outcome.error
            self._judge(offer, outcome)
            failures = failures + 1 if error and _is_way(error) else 0
            if outcome.arrival is not None:
                read.append((offer, outcome.arrival))
            late = time.monotonic() - written_at > _PAUSE
            if len(read) >= _STEP or late or failures >= _PATIENCE:
                self._put(read)
                read, written_at = [], time.monotonic()
            if error and failures >= _PATIENCE:
                raise error
        self._put(read)

    def _outcome(self, offer: Offer, whole: dict[Key, Offer]) -> Outcome:
        self._lease.check()
        return reading.read(self._source, self._registry, offer, whole=_key(offer) in whole)

    def _judge(self, offer: Offer, outcome: Outcome) -> None:
        """Report what could not be read; a row is a row, also without its contents."""
        error = outcome.error
        if error is None:
            return
        lasting = isinstance(error, Invalid | TooLarge)
        tell = self._plan.failed if outcome.arrival is None else self._plan.note
        tell(offer, _reason(error), lasting=lasting)
        self._odd += bool(error.detail.get("unforeseen"))
        if self._odd > _ODD:
            raise error

    def _put(self, arrivals: list[tuple[Offer, Arrival]]) -> None:
        """Write versions down so that nobody sees them yet: new ones into the catalog, others into
        the steps. Contents of what people see already may be seen at once. What the store cannot
        take is a fault of that one."""
        if not arrivals:
            return
        try:
            self._write(arrivals)
        except (PackyardError, LeaseLost):
            raise
        except Exception:  # noqa: BLE001 - what the database does not take is one version's fault
            if len(arrivals) > 1:
                for one in arrivals:
                    self._put([one])
            else:
                ((offer, _),) = arrivals
                self._judge(offer, Outcome(None, reading.unforeseen(offer.name, offer.tag)))

    def _write(self, arrivals: list[tuple[Offer, Arrival]]) -> None:
        new: list[Arrival] = []
        changed: list[Arrival] = []
        with self._store.write() as tx:
            schedule.renew(tx, self._run, self._times, self._lease.done, self._lease.total)
            for _, arrival in arrivals:
                entry = arrival.entry
                if self._plan.is_same(entry.uid, entry.validator):
                    if arrival.contents:
                        foreign.learn(tx.connection, entry, arrival.contents)
                elif self._plan.is_seen(entry.uid):
                    changed.append(arrival)
                else:
                    new.append(arrival)
            foreign.prepare(tx.connection, new)
            steps.keep(tx.connection, self._registry, changed)
        self._kept += [arrival.entry.uid for arrival in changed]
        for offer, arrival in arrivals:
            entry = arrival.entry
            self._plan.arrived(entry.uid, entry.name, entry.label, offer.tags)

    def _publish(self, listing: Listing) -> None:
        plan, leads = self._plan, list(self._plan.leads())
        with self._store.write() as tx:
            connection = tx.connection
            schedule.renew(tx, self._run, self._times, self._lease.done, self._lease.total)
            gone = plan.gone()
            foreign.reveal(connection, self._registry, plan.stale())
            changed = dict.fromkeys([*plan.resumed, *self._kept])
            foreign.arrive(connection, steps.kept(connection, changed))
            foreign.confirm(connection, plan.returned(), plan.moved)
            foreign.depart(connection, gone, now())
            foreign.lead(connection, self._registry, leads)
            steps.report(connection, self._registry, plan.faults)
            steps.clear(connection, self._registry)
            message = _message(plan, len(plan.unseen() | changed.keys()), len(gone))
            schedule.complete(
                tx, self._run, self._times, message, marks=listing.marks, done=plan.count
            )
        _log.info("synchronized %s: %s", self._registry, message)


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


def _key(offer: Offer) -> Key:
    return offer.name, offer.tag


def _is_described(offer: Offer) -> bool:
    """A listing says of packs where they are, of some charts what they are."""
    return offer.kind is Kind.CHART and bool(offer.metadata)


def _is_way(error: PackyardError) -> bool:
    """Whether it is the way to the registry that failed, and not what was asked for."""
    return isinstance(error, Unauthenticated | TooManyRequests) or bool(error.detail.get("broken"))


def _reason(error: PackyardError) -> str:
    findings = error.findings if isinstance(error, ContentRefused) else ()
    return " ".join([error.message, *(finding.message for finding in findings)])[:_REASON_LIMIT]


def amount(number: int, word: str) -> str:
    """`1 version`, `2 versions`."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def _message(plan: Plan, changed: int, gone: int) -> str:
    parts = [amount(plan.here, "version"), f"{changed} new or changed", f"{gone} gone"]
    faults = {(fault.name, fault.tag) for fault in plan.faults}  # as the report has them
    if lost := faults - plan.bare:
        parts.append(f"{len(lost)} that could not be taken")
    if plan.bare:
        parts.append(f"{len(plan.bare)} without contents")
    return ", ".join(parts) + "."
