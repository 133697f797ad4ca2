"""Refusals in ChartMuseum's form, `{"error": "…"}`, with `findings` where content is refused."""

from __future__ import annotations

from packyard import errors
from packyard.findings import Finding
from packyard.server.oci.errors import headers
from packyard.server.problems import STATUS_AND_CODE
from packyard.server.send import Answer, as_json

STATUS: dict[type[errors.PackyardError], int] = {
    **{refusal: status for refusal, (status, _) in STATUS_AND_CODE.items()},
    errors.ContentRefused: 400,
}


def refusal(error: errors.PackyardError, realm: str) -> Answer:
    """Clients show the sentence of `error` alone, so it has everything that is wrong."""
    body: dict[str, object] = {"error": error.message}
    if isinstance(error, errors.ContentRefused):
        body["error"] = " ".join([error.message, *map(_sentence, error.findings)])
        body["findings"] = [finding.as_json() for finding in error.findings]
    return as_json(STATUS[type(error)], body, headers(error, realm))


def _sentence(finding: Finding) -> str:
    place = f"{finding.file}, line {finding.line}: " if finding.line else ""
    return f"{place}{finding.message} {finding.mend}".rstrip()


def failure(request_id: str) -> Answer:
    message = f"The server failed; its log tells more about request {request_id}."
    return as_json(500, {"error": message})
