"""The shape of the source: layers, homes of third-party modules, no cycles, sizes, names.

Imports are read from the syntax trees, those inside functions and under TYPE_CHECKING included: an
import is a dependency wherever it stands.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "packyard"

# What each package may import, besides itself and the vocabulary.
VOCABULARY = {"errors", "findings", "digests", "references"}
LAYERS: dict[str, set[str]] = {
    "packs": set(),
    "charts": set(),
    "profiles": {"packs", "charts"},
    "storage": set(),
    "catalog": {"packs", "storage"},
    "auth": {"storage"},
    "registry": {"packs", "storage", "catalog"},
    "remotes": {"packs"},
    "delivery": {"packs", "charts", "profiles"},
    "config": set(),
    "cli": {"packs", "charts", "profiles", "remotes", "delivery", "config", "server"},
    "__main__": {"cli"},
}
LAYERS["hub"] = LAYERS.keys() - {"config", "cli", "__main__"}
LAYERS["server"] = LAYERS.keys() - {"cli", "__main__"}

# The only packages that may import a third-party module.
HOMES: dict[str, set[str]] = {
    "yaml": {"packs", "config"},
    "re2": {"packs"},
    "obstore": {"storage"},
    "helm_python": {"charts"},
    "sqlalchemy": {"storage", "catalog", "auth", "registry", "hub", "server"},
    "alembic": {"storage"},
    "httpx": {"remotes", "auth"},
    "httpcore": {"remotes"},
    "boto3": {"remotes"},
    "botocore": {"remotes"},
    "authlib": {"auth"},
    "joserfc": {"auth"},
    "bcrypt": {"auth"},
    "cryptography": {"auth", "remotes"},  # remotes reads certificates, to say what is wrong
    "pydantic": {"config", "server"},
    "starlette": {"server"},
    "anyio": {"server"},
    "fastapi": {"server"},
    "granian": {"server"},
    "uvloop": {"server"},
    "prometheus_client": {"server"},
    "typer": {"cli"},
    "rich": {"cli"},
}
# SQLAlchemy's expressions may be written where rows are owned; connections are made in one place.
ENGINE = re.compile(r"\b(create_engine|create_async_engine|sessionmaker|sqlalchemy\.orm)\b")

DISTRIBUTIONS = {"re2": "google-re2", "yaml": "pyyaml", "helm_python": "helm-python-sdk"}
JUNK_DRAWERS = {"util", "utils", "helper", "helpers", "common", "misc", "shared", "lib"}
MODULE_LINES = 500
FUNCTION_LINES = 60


@dataclass(frozen=True, slots=True)
class Module:
    """`name` is dotted, without the leading `packyard.`; the package's own is empty."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        return self.name.partition(".")[0]


def read(path: Path) -> Module:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text(encoding="utf-8")
    return Module(name, path, text, ast.parse(text, str(path)))


MODULES = [read(path) for path in sorted(SOURCE.rglob("*.py"))]
NAMES = {module.name for module in MODULES}


def imports(tree: ast.Module) -> Iterator[str]:
    """Dotted names of everything imported; `from a import b` gives `a.b`, module or not."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative imports hide the layer"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def inner(module: Module) -> set[str]:
    """Our own modules that `module` imports, as names in `NAMES`."""
    found = set()
    for name in imports(module.tree):
        top, _, rest = name.partition(".")
        if top == "packyard":
            found.add(rest if rest in NAMES else rest.rpartition(".")[0])
    return found


def outer(module: Module) -> set[str]:
    """Third-party modules that `module` imports, by their top name."""
    tops = {name.partition(".")[0] for name in imports(module.tree)}
    return tops - sys.stdlib_module_names - {"packyard", "_typeshed"}


def test_every_package_has_its_row_in_the_table() -> None:
    tops = {module.package for module in MODULES} - VOCABULARY - {""}
    assert tops <= LAYERS.keys(), "a new package needs a row: what may it import?"


def test_imports_go_downwards_only() -> None:
    upwards = {
        module.name: found
        for module in MODULES
        if (found := [name for name in inner(module) if name.partition(".")[0] not in may(module)])
    }
    assert not upwards


def may(module: Module) -> set[str]:
    """The packages that a module may import."""
    if module.package in VOCABULARY | {""}:
        return VOCABULARY
    return LAYERS[module.package] | VOCABULARY | {module.package, ""}


def test_third_party_modules_are_imported_in_their_homes_only() -> None:
    strays = {
        module.name: found
        for module in MODULES
        if (found := [one for one in outer(module) if module.package not in HOMES.get(one, ())])
    }
    assert not strays


def test_third_party_modules_are_declared_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[><=; \[]", line)[0] for line in project["dependencies"]}
    imported = {name for module in MODULES for name in outer(module)}
    needed = {DISTRIBUTIONS.get(name, name.replace("_", "-")) for name in imported}
    assert needed <= declared


def test_database_connections_are_made_in_storage_only() -> None:
    makers = {module.name for module in MODULES if ENGINE.search(module.text)}
    assert not {name for name in makers if not name.startswith("storage.")}


def test_only_faces_see_the_configuration() -> None:
    readers = {
        module.package
        for module in MODULES
        if any(name.startswith("config") for name in inner(module))
    }
    assert readers <= {"config", "server", "cli"}


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {module.name: inner(module) - {module.name, ""} for module in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        pytest.fail(" -> ".join(cycle.args[1]))


def test_no_module_is_a_junk_drawer() -> None:
    assert not {name for name in NAMES if JUNK_DRAWERS & set(name.strip("_").split("."))}


def test_every_module_says_what_it_is() -> None:
    said = {module.name for module in MODULES if ast.get_docstring(module.tree)}
    assert {module.name for module in MODULES if module.tree.body} <= said


def test_modules_and_functions_stay_short() -> None:
    assert not {module.name for module in MODULES if module.text.count("\n") > MODULE_LINES}
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    long = {
        f"{module.name}.{node.name}"
        for module in MODULES
        for node in ast.walk(module.tree)
        if isinstance(node, kinds) and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES
    }
    assert not long, f"over {FUNCTION_LINES} lines"
