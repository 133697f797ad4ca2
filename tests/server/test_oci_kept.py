"""An answer is kept as long as nothing was committed, and not one commit longer."""

from __future__ import annotations

from packyard.server.oci import kept
from packyard.server.oci.kept import Kept
from packyard.server.send import Answer


def test_an_answer_is_kept_for_its_generation() -> None:
    answers, answer = Kept(), Answer(200)
    assert answers.get(1, "key") is None
    answers.put(1, "key", answer)
    assert answers.get(1, "key") is answer
    assert answers.get(2, "key") is None
    assert answers.get(1, "key") is None


def test_what_was_read_before_a_commit_that_another_request_saw_is_not_kept() -> None:
    answers = Kept()
    answers.get(1, "slow")
    answers.get(2, "quick")
    answers.put(1, "slow", Answer(200))
    assert answers.get(2, "slow") is None


def test_large_answers_are_not_kept_and_old_ones_make_room() -> None:
    answers = Kept()
    answers.get(1, "")
    answers.put(1, "large", Answer(200, (), bytes(kept.SIZE + 1)))
    assert answers.get(1, "large") is None
    for number in range(kept.LIMIT + 1):
        answers.put(1, number, Answer(200))
    assert answers.get(1, 0) is None
    assert answers.get(1, kept.LIMIT) is not None
