from __future__ import annotations

import asyncio
import threading

import pytest
from starlette.types import Message

from packyard.errors import ClientGone, Unavailable
from packyard.server import calls
from packyard.server.calls import Calls


class Client:
    """One that waits, until it goes."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}


def test_who_finds_no_place_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "PATIENCE", 0.05)
    go = threading.Event()

    async def ask() -> None:
        made = Calls(1)
        first = asyncio.create_task(made.make(Client().receive, lambda _: go.wait(30)))
        await asyncio.sleep(0.01)
        with pytest.raises(Unavailable, match="try again in 10 seconds") as refused:
            await made.make(Client().receive, lambda _: True)
        assert refused.value.detail == {"retry_after": 10}
        go.set()
        assert await first
        assert await made.make(Client().receive, lambda wanted: wanted())

    asyncio.run(ask())


def test_whose_client_has_gone_holds_no_place() -> None:
    async def ask() -> None:
        made = Calls(1)
        at_work, waiting = Client(), Client()
        stopped = threading.Event()

        def work(wanted: calls.Wanted) -> None:
            while wanted():
                stopped.wait(0.01)

        tasks = [asyncio.create_task(made.make(one.receive, work)) for one in (at_work, waiting)]
        await asyncio.sleep(0.01)
        waiting.gone.set()
        with pytest.raises(ClientGone):
            await tasks[1]
        assert not tasks[0].done()
        at_work.gone.set()
        await tasks[0]
        assert await made.make(Client().receive, lambda _: 7) == 7

    asyncio.run(asyncio.wait_for(ask(), 20))


def test_no_call_goes_on_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "LONGEST", 0.05)

    def work(wanted: calls.Wanted) -> int:
        while wanted():
            pass
        return 7

    async def ask() -> None:
        assert await Calls(1).make(Client().receive, work) == 7

    asyncio.run(asyncio.wait_for(ask(), 20))
