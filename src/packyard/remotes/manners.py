"""How a client behaves towards the network: its patience, what it may reach, its budget."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from packyard.remotes.budget import Budget
from packyard.remotes.failures import COMMAND_LINE, Mends
from packyard.remotes.reach import ANYWHERE, Reach

SLOWEST = 16 * 1024
"""Bytes of an answer that buy a second beyond `whole`: a large one may take its time."""


def always() -> bool:
    """Whoever asked waits to the end."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """Times in seconds: to connect, between two pieces of an answer, for a whole answer. Whether
    answers are `wanted` still is asked again and again, and what is not is given up."""

    connect: float = 10.0
    read: float = 60.0
    whole: float = math.inf
    reach: Reach = ANYWHERE
    budget: Budget | None = None
    wanted: Callable[[], bool] = always
    mends: Mends = COMMAND_LINE


OF_A_PERSON = Manners()
"""Of the command line: whoever waits can end it, and may call whom they want."""
