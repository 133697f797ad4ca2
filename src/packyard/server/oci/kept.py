"""Answers kept ready to send, in each worker, until anybody commits to the store."""

from __future__ import annotations

from collections.abc import Hashable

from packyard.server.send import Answer

LIMIT = 512  # answers
SIZE = 64 * 1024  # bytes of the largest body among them


class Kept:
    """Ask the store for its generation first, then here, and only then for what the answer says:
    so an answer is never older than the generation that it is kept under."""

    def __init__(self) -> None:
        self._answers: dict[Hashable, Answer] = {}
        self._generation = -1

    def get(self, generation: int, key: Hashable) -> Answer | None:
        if generation != self._generation:
            self._answers, self._generation = {}, generation
        return self._answers.get(key)

    def put(self, generation: int, key: Hashable, answer: Answer) -> None:
        if generation == self._generation and len(answer.body) <= SIZE:
            while len(self._answers) >= LIMIT:
                del self._answers[next(iter(self._answers))]
            self._answers[key] = answer
