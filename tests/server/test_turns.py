from __future__ import annotations

import asyncio
from functools import partial

import pytest

from packyard.errors import TooManyRequests
from packyard.server.turns import WAITING, Turns


def test_places_take_turns_however_many_come_from_one() -> None:
    done: list[str] = []

    async def ask() -> None:
        turns = Turns()
        many = [f"2001:db8::{number:x}" for number in range(8)]  # one network
        places = [*many, "192.0.2.1", "192.0.2.2"]
        await asyncio.gather(
            *(
                turns.take(place, number, partial(done.append, place))
                for number, place in enumerate(places)
            )
        )
        assert not turns._places

    asyncio.run(ask())
    assert len(done) == 10
    assert set(done[:3]) >= {"192.0.2.1", "192.0.2.2"}


def test_whoever_would_wait_behind_too_many_is_refused_at_once() -> None:
    async def ask() -> None:
        turns = Turns()
        tries = [turns.take("192.0.2.1", number, lambda: None) for number in range(WAITING + 5)]
        tries += [turns.take("192.0.2.1", 0, lambda: None) for _ in range(50)]  # as one of them
        answers = await asyncio.gather(*tries, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, TooManyRequests)]
        assert len(refused) == 4  # one was at work
        assert refused[0].detail == {"retry_after": 2}
        assert await turns.take("192.0.2.1", "again", lambda: 7) == 7

    asyncio.run(ask())


def test_a_turn_that_fails_or_is_given_up_lets_the_next_one_in() -> None:
    def fail() -> None:
        raise ValueError("this turn")

    async def ask() -> None:
        turns = Turns()
        with pytest.raises(ValueError, match="this turn"):
            await turns.take("192.0.2.1", "first", fail)
        waiting = asyncio.create_task(turns.take("192.0.2.1", "second", lambda: None))
        waiting.cancel()
        assert await turns.take("192.0.2.1", "again", lambda: 7) == 7
        assert not turns._places

    asyncio.run(ask())
