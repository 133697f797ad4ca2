"""Refusals in the form of the `/v1` API: `{code, message, details, ref}`, one row for each class.

`ref` is the request's id, under which the log tells more. A test demands a row for every class.
"""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from packyard import errors
from packyard.server.bodies import BROKEN_OFF
from packyard.server.logs import REQUEST_ID
from packyard.server.send import Answer, as_json

_METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")

STATUS_AND_CODE: dict[type[errors.PackyardError], tuple[int, str]] = {
    errors.RepositoryUnknown: (404, "ResourceNotFound"),
    errors.BlobUnknown: (404, "ResourceNotFound"),
    errors.ManifestUnknown: (404, "ResourceNotFound"),
    errors.UploadUnknown: (404, "ResourceNotFound"),
    errors.PackUnknown: (404, "ResourceNotFound"),
    errors.ChartUnknown: (404, "ResourceNotFound"),
    errors.FileUnknown: (404, "ResourceNotFound"),
    errors.UserUnknown: (404, "ResourceNotFound"),
    errors.ProjectUnknown: (404, "ResourceNotFound"),
    errors.TenantUnknown: (404, "ResourceNotFound"),
    errors.MacroUnknown: (404, "ResourceNotFound"),
    errors.AuditUnknown: (404, "ResourceNotFound"),
    errors.KeyUnknown: (404, "ResourceNotFound"),
    errors.SessionUnknown: (404, "ResourceNotFound"),
    errors.RegistryUnknown: (404, "ResourceNotFound"),
    errors.ProfileUnknown: (404, "ResourceNotFound"),
    errors.PathUnknown: (404, "ResourceNotFound"),
    errors.NameInvalid: (400, "InvalidName"),
    errors.TagInvalid: (400, "InvalidTag"),
    errors.DigestInvalid: (400, "InvalidDigest"),
    errors.SizeInvalid: (400, "InvalidSize"),
    errors.ManifestInvalid: (400, "InvalidManifest"),
    errors.ManifestBlobUnknown: (400, "InvalidManifest"),
    errors.RangeInvalid: (416, "InvalidRange"),
    errors.ParameterInvalid: (400, "InvalidParameter"),
    errors.MacrosInvalid: (422, "InvalidMacros"),
    errors.RegistryInvalid: (422, "InvalidRegistry"),
    errors.ContentRefused: (422, "InvalidPack"),
    errors.ProfileRefused: (422, "InvalidClusterProfile"),
    errors.Unauthenticated: (401, "Unauthorized"),
    errors.Denied: (403, "OperationForbidden"),
    errors.Unsupported: (405, "UnsupportedOperation"),
    errors.MethodNotAllowed: (405, "MethodNotAllowed"),
    errors.Conflict: (409, "Conflict"),
    errors.ProfileTaken: (409, "ClusterProfileAlreadyExists"),
    errors.InUse: (409, "ResourceInUse"),
    errors.PreconditionFailed: (412, "PreconditionFailed"),
    errors.TooLarge: (413, "RequestTooLarge"),
    errors.RangeUnsatisfiable: (416, "InvalidRange"),
    errors.ClientStalled: (408, "RequestTimeout"),
    errors.ClientGone: (400, "ClientGone"),
    errors.TooManyRequests: (429, "TooManyRequests"),
    errors.StorageFull: (507, "StorageFull"),
    errors.Unavailable: (503, "ServiceUnavailable"),
    errors.RemoteFailed: (502, "RemoteFailed"),
    errors.ConfigurationInvalid: (500, "ConfigurationInvalid"),
}


def add_problems(app: FastAPI, realm: str) -> None:
    """Let every refusal of `app` leave in this form; `realm` is what a 401 asks credentials for.

    The hub's paths ask for none: a browser would answer with a window of its own.
    """

    def answer(request: Request, error: errors.PackyardError) -> JSONResponse:
        headers = _headers(error, realm)
        if _is_hub(request.url.path):
            headers.pop("WWW-Authenticate", None)
        return JSONResponse(_body(error), STATUS_AND_CODE[type(error)][0], headers=headers)

    def refused(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, errors.PackyardError)  # noqa: S101 - registered for that class
        return answer(request, error)

    def malformed(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        faults = [f"{_place(fault['loc'])}: {fault['msg']}" for fault in error.errors()]
        message = f"The request is not of the documented form: {'; '.join(faults)}."
        return answer(request, errors.ParameterInvalid(message))

    def unrouted(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        path = request.url.path
        if error.status_code == 400:  # FastAPI could not read the body
            fault = error.__cause__
            if isinstance(fault, errors.PackyardError):
                return answer(request, fault)
            return answer(request, errors.ParameterInvalid("The body is not JSON."))
        if error.status_code == 405:
            allow = _methods(request)
            if request.method == "OPTIONS":
                return Response(status_code=204, headers={"Allow": allow})
            message = f"{path} does not take {request.method}, but {allow}."
            return answer(request, errors.MethodNotAllowed(message, allow=allow))
        message = f"There is nothing at {path}; /docs lists what there is."
        return answer(request, errors.PathUnknown(message))

    def gone(request: Request, _: Exception) -> JSONResponse:
        return answer(request, errors.ClientGone(BROKEN_OFF))

    def failed(_request: Request, _error: Exception) -> JSONResponse:
        """Our fault: who called this application logs it."""
        return JSONResponse(_failure(REQUEST_ID.get()), 500)

    app.add_exception_handler(errors.PackyardError, refused)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(HTTPException, unrouted)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(Exception, failed)


def refusal(error: errors.PackyardError, _realm: str) -> Answer:
    """Of a request that never reached the application; nobody is asked to sign in for it."""
    return as_json(STATUS_AND_CODE[type(error)][0], _body(error))


def failure(request_id: str) -> Answer:
    return as_json(500, _failure(request_id))


def _body(error: errors.PackyardError) -> dict[str, object]:
    _, code = STATUS_AND_CODE[type(error)]
    told = {"code": code, "message": error.message, "details": _details(error)}
    return {**told, "ref": REQUEST_ID.get()}


def _failure(request_id: str) -> dict[str, object]:
    message = "The server failed; its log tells more about this request."
    return {"code": "InternalError", "message": message, "details": {}, "ref": request_id}


def _methods(request: Request) -> str:
    """All that the address takes: its routes know of one method each."""
    takes = [
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.router.routes
        )
    ]
    return ", ".join(sorted([*takes, "HEAD"] if "GET" in takes else takes))


def _is_hub(path: str) -> bool:
    """Everything below `/v1` that is not the pack registry's (design.md, "Paths")."""
    return path.startswith("/v1/") and path != "/v1/" and not path.startswith("/v1/_")


def _details(error: errors.PackyardError) -> dict[str, object]:
    """JSON values; a refused pack lists every finding."""
    if isinstance(error, errors.ContentRefused):
        return {**error.detail, "findings": [finding.as_json() for finding in error.findings]}
    return error.detail


def _headers(error: errors.PackyardError, realm: str) -> dict[str, str]:
    match error:
        case errors.Unauthenticated():
            return {"WWW-Authenticate": challenge(realm)}
        case errors.MethodNotAllowed():
            return {"Allow": str(error.detail["allow"])}
        case errors.TooManyRequests() | errors.Unavailable() if "retry_after" in error.detail:
            return {"Retry-After": str(error.detail["retry_after"])}
    return {}


def challenge(realm: str) -> str:
    """The `WWW-Authenticate` of a 401 (RFC 7617)."""
    quoted = realm.replace("\\", "\\\\").replace('"', '\\"')
    return f'Basic realm="{quoted}", charset="UTF-8"'


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location[1:]) or str(location[0])
