"""A single Go template with Helm's functions, outside any chart: a manifest, a macro.

`.` is the data that is given. A name that is not there gives the empty text, as Helm makes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from packyard.findings import Finding

_ACTION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_STRINGS = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`|/\*.*?\*/', re.DOTALL)
_WORD = re.compile(r"(?<![\w.$])[A-Za-z_]\w*")

_UNREPEATABLE = """
    ago bcrypt encryptAES genCA genCAWithKey genPrivateKey genSelfSignedCert
    genSelfSignedCertWithKey genSignedCert genSignedCertWithKey getHostByName htpasswd lookup now
    randAlpha randAlphaNum randAscii randBytes randInt randNumeric shuffle uuidv4
"""
UNREPEATABLE = frozenset(_UNREPEATABLE.split())
"""Functions whose result is another one each time, or depends on the cluster or the host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """`name` is what findings call it; `section` where the values are that `.Values` holds."""

    name: str
    text: str
    data: Mapping[str, object]
    section: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    """`text` is None where the template failed; then `findings` say why."""

    text: str | None
    findings: tuple[Finding, ...] = ()


def unrepeatable(text: str) -> list[str]:
    """The functions in a template that give something else each time, in order, once each."""
    words = (
        word
        for action in _ACTION.findall(text)
        for word in _WORD.findall(_STRINGS.sub(" ", action))
    )
    return list(dict.fromkeys(word for word in words if word in UNREPEATABLE))
