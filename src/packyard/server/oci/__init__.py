"""OCI Distribution at `/v2`: one module for each resource, `errors` for what is refused.

A handler is `async def method(request, repo, ...)` that gives the answer as an ASGI application, or
raises a `PackyardError`. `face.Distribution` joins them: route, admission, handler, error.
"""
