"""The upload protocol against a plain model: any sequence of steps ends as the model says."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.wire.oci import Repo, digest, end_of, unique

CHUNKS = st.binary(max_size=300) | st.integers(1, 70_000).map(lambda size: b"z" * size)
START = st.sampled_from(["right", "right", "right", "none", "zero", "early", "late", "far"])


class Uploads(RuleBasedStateMachine):
    """One repository with one open upload at a time; `held` is what the server must have."""

    client: httpx.Client

    def __init__(self) -> None:
        super().__init__()
        self.repo = Repo(self.client, unique("fuzz/upload"))
        self.repo.push(b"so that the repository exists")
        self.begin()

    def begin(self) -> None:
        self.held = b""
        self.location = self.repo.location()

    def _range(self, data: bytes, start: str) -> tuple[str | None, bool]:
        """The `Content-Range` of a chunk, and whether it fits where the upload stands."""
        at = len(self.held)
        first = {"right": at, "zero": 0, "early": at - 1, "late": at + 1, "far": at + 10**12}.get(
            start, at
        )
        if start == "none" or not data:
            return None, True
        return f"{max(first, 0)}-{max(first, 0) + len(data) - 1}", max(first, 0) == at

    @rule(data=CHUNKS, start=START)
    def patch(self, data: bytes, start: str) -> None:
        asked, fits = self._range(data, start)
        answer = self.repo.patch(self.location, data, asked)
        if fits:
            assert answer.status_code == 202, answer.text
            self.held += data
            self.location = answer.headers["location"]
        else:
            assert answer.status_code == 416, answer.text
        self.look()

    @rule()
    def look(self) -> None:
        answer = self.repo.client.get(self.location)
        assert answer.status_code == 204
        assert end_of(answer) == max(len(self.held), 1)
        self.location = answer.headers["location"]

    @rule(data=CHUNKS, start=START, algorithm=st.sampled_from(["sha256", "sha512"]))
    def close(self, data: bytes, start: str, algorithm: str) -> None:
        asked, fits = self._range(data, start)
        headers = {} if asked is None else {"content-range": asked}
        whole = self.held + data
        of = digest(whole, algorithm)
        answer = self.repo.close(self.location, of, data, **headers)
        if not fits:
            assert answer.status_code == 416, answer.text
            self.look()
            return
        assert answer.status_code == 201, answer.text
        assert self.repo.blob(of).content == whole
        assert self.repo.client.get(self.location).status_code == 404
        self.begin()

    @rule(data=CHUNKS)
    def close_wrongly(self, data: bytes) -> None:
        of = digest(self.held + data + b"!")
        answer = self.repo.close(self.location, of, data)
        assert answer.status_code == 400, answer.text
        assert self.repo.blob(of, "HEAD").status_code == 404
        self.begin()

    @rule()
    def cancel(self) -> None:
        assert self.repo.client.delete(self.location).status_code == 204
        assert self.repo.client.get(self.location).status_code == 404
        self.begin()


@pytest.mark.timeout(180)
def test_any_sequence_of_steps_ends_as_the_model_says(admin: httpx.Client) -> None:
    machine = type("Machine", (Uploads,), {"client": admin})
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=30, stateful_step_count=15, deadline=None, suppress_health_check=slow
        ),
    )
