"""What an image is, by its first bytes: real packs hold a JPEG named `logo.png`."""

from __future__ import annotations

_MARKS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def image_type(data: bytes) -> str:
    """The media type of a picture that browsers show; empty for anything else, SVG among it."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((media_type for mark, media_type in _MARKS if data.startswith(mark)), "")
