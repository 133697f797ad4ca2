"""Keys that other programs of this format know and this one does not use.

`IGNORED` are harmless without effect: they warn. `REFUSED` would change what people rely on (where
content lies, who gets in): they stop the start, with the reason.
"""

from __future__ import annotations

IGNORED = frozenset(
    {
        "catalog",
        "compatibility",
        "health",
        "http.debug",
        "http.h2c",
        "http.http2",
        "http.net",
        "http.prefix",
        "http.relativeurls",
        "http.secret",
        "http.tls.ciphersuites",
        "http.tls.clientauth",
        "log.hooks",
        "log.reportcaller",
        "loglevel",
        "middleware",
        "notifications",
        "policy",
        "proxy",
        "redis",
        "reporting",
        "storage.cache",
        "storage.filesystem.maxthreads",
        "storage.maintenance.uploadpurging.dryrun",
        "storage.redirect",
        "storage.tag",
        "validation.disabled",
        "validation.enabled",
        "validation.manifests.indexes",
        "validation.manifests.urls",
    }
)

_DRIVER = "this version stores on the local disk (storage.filesystem) or in memory only"
_SIGN_IN = "this version knows users by name and password only (auth.htpasswd)"

REFUSED = {
    "storage.s3": f"S3 comes with a later version; {_DRIVER}",
    "storage.azure": _DRIVER,
    "storage.gcs": _DRIVER,
    "storage.oss": _DRIVER,
    "storage.swift": _DRIVER,
    "auth.token": _SIGN_IN,
    "auth.silly": _SIGN_IN,
    "http.tls.letsencrypt": (
        "Packyard fetches no certificates; put a reverse proxy that does so in front (and name it "
        "in http.trustedproxies), or give certificate and key"
    ),
}


def refusal(path: tuple[str, ...]) -> str | None:
    """Why a key is refused: it or a section that it is in."""
    return next(filter(None, (REFUSED.get(prefix) for prefix in _prefixes(path))), None)


def ignored(path: tuple[str, ...]) -> bool:
    return any(prefix in IGNORED for prefix in _prefixes(path))


def _prefixes(path: tuple[str, ...]) -> list[str]:
    return [".".join(path[:end]) for end in range(1, len(path) + 1)]
