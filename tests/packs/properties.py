"""Properties that hold for whatever is drawn: few examples in every run, many under `soak`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

_LONG = 50


def holds_for(
    examples: int, *strategies: st.SearchStrategy[Any]
) -> Callable[[Callable[..., None]], Callable[[int], None]]:
    """A test of what the strategies draw: always the same `examples`; under `soak` 50 times as
    many, others in each run."""

    def decorated(test: Callable[..., None]) -> Callable[[int], None]:
        @pytest.mark.parametrize(
            "times", [1, pytest.param(_LONG, marks=pytest.mark.soak)], ids=["short", "long"]
        )
        def run(times: int) -> None:
            drawn = given(*strategies)(test)
            settings(max_examples=examples * times, derandomize=times == 1, deadline=None)(drawn)()

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return decorated
