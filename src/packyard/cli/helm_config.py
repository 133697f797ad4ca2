"""The Helm repositories that this person has added: `helm repo add` writes them, we read them.

    repositories: [{name, url, username, password, caFile, certFile, keyFile,
                    insecure_skip_tls_verify, pass_credentials_all}]

The file stands where Helm looks for it (`helm env`, HELM_REPOSITORY_CONFIG).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from packyard.cli.accounts import user_folder
from packyard.errors import ConfigurationInvalid, ParameterInvalid
from packyard.packs.values import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A repository by the name it was added under; files are "" where none is named."""

    name: str
    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""
    insecure: bool = False


def repository_file() -> Path:
    named = os.environ.get("HELM_REPOSITORY_CONFIG")
    if named:
        return Path(named)
    home = os.environ.get("HELM_CONFIG_HOME")
    if home:
        return Path(home) / "repositories.yaml"
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else user_folder() / ".config") / "helm" / "repositories.yaml"


def added(name: str) -> Added:
    """Raise `ParameterInvalid` where no repository of that name was added."""
    path = repository_file()
    there = _read(path)
    if name not in there:
        known = f" It knows {', '.join(sorted(there))}." if there else ""
        raise ParameterInvalid(
            f"Helm has no repository {name!r} in {path}.{known} Add it with `helm repo add {name} "
            "URL`; a file is named by a path that exists, an address with https:// or oci://."
        )
    return there[name]


def _read(path: Path) -> dict[str, Added]:
    try:
        document, findings = Document.parse(path.read_bytes(), str(path))
    except FileNotFoundError:
        return {}
    if document is None:
        raise ConfigurationInvalid(f"{path} cannot be read: {findings[0].message}")
    rows = document.data.get("repositories")
    found = {}
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("name") and row.get("url"):
            repository = Added(
                name=str(row["name"]),
                url=str(row["url"]),
                username=str(row.get("username") or ""),
                password=str(row.get("password") or ""),
                ca_file=str(row.get("caFile") or ""),
                insecure=row.get("insecure_skip_tls_verify") is True,
            )
            found[repository.name] = repository
    return found
