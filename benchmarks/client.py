"""An OCI client of the fewest requests: what a push costs the server, not what a client adds."""

from __future__ import annotations

import http.client
import urllib.parse
from typing import Self

from benchmarks.content import MANIFEST_TYPE, Blob


class Client:
    """One kept-alive connection. Any answer but the expected one raises `RuntimeError`."""

    def __init__(self, port: int, authorization: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._headers = {"Authorization": authorization} if authorization else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def push_blob(self, repository: str, blob: Blob) -> None:
        """POST for a session, then the whole blob by one PUT."""
        location = self._ask("POST", f"/v2/{repository}/blobs/uploads/", 202)
        url = urllib.parse.urlsplit(location)
        query = f"{url.query}&" if url.query else ""
        target = f"{url.path}?{query}digest={blob.digest}"
        self._ask("PUT", target, 201, blob.data, "application/octet-stream")

    def push_manifest(self, repository: str, reference: str, data: bytes) -> None:
        self._ask("PUT", f"/v2/{repository}/manifests/{reference}", 201, data, MANIFEST_TYPE)

    def _ask(
        self, method: str, target: str, expected: int, body: bytes = b"", kind: str = ""
    ) -> str:
        """The answer's Location."""
        headers = self._headers | ({"Content-Type": kind} if kind else {})
        self._connection.request(method, target, body=body, headers=headers)
        with self._connection.getresponse() as answer:
            text = answer.read()
            if answer.status != expected:
                raise RuntimeError(f"{method} {target}: {answer.status} {text[:300]!r}")
            return answer.headers.get("Location", "")
