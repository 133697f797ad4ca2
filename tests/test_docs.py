"""Documentation that cannot drift: links lead somewhere, commands exist, every page is indexed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from packyard.cli.app import app

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("packs/*/README.md")])

LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)|\!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TARGET = re.compile(r"^([a-z]+):", re.MULTILINE)

# Programs of others that readers are told to run.
FOREIGN = {"caddy", "cat", "cd", "chown", "cp", "crane", "curl", "diff", "docker", "find", "git"}
FOREIGN |= {"head", "helm", "htpasswd", "install", "jq", "kubectl", "ls", "mkdir", "mv", "nginx"}
FOREIGN |= {"openssl", "oras", "podman", "sed", "sha256sum", "skopeo", "sort", "sqlite3"}
FOREIGN |= {"pip", "systemctl", "tar", "terraform"}

LOOP = {"for", "done"}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The fragments that a forge makes from the page's headings; none where there is no page."""
    if not page.exists():
        return set()
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    words = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in words}


def console_lines(page: Path) -> Iterator[str]:
    """What follows `$ ` in the page's ```console blocks; a trailing backslash joins lines."""
    for language, body in FENCE.findall(page.read_text(encoding="utf-8")):
        if language == "console":
            joined = body.replace("\\\n", " ")
            yield from (line[2:] for line in joined.splitlines() if line.startswith("$ "))


def commands(line: str) -> Iterator[list[str]]:
    """The simple commands of a shell line, those in loops too, without assignments before them."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if set(word) <= set("|&;()"):
            if words and words[0] not in LOOP:
                yield words
            words = []
        elif words or ("=" not in word and word != "do"):
            words.append(word)


def check_packyard(words: list[str]) -> None:
    """Follow the words through the command tree; every flag must exist where it stands."""
    command = typer.main.get_command(app)
    known = {"--help"}
    for word in words:
        known |= {name for option in command.params for name in option.opts + option.secondary_opts}
        if word.startswith("-") and word != "-":
            assert word.partition("=")[0] in known, f"no option {word} at {words}"
        elif isinstance(command, TyperGroup):
            assert word in command.commands, f"no command {word} in packyard {' '.join(words)}"
            command = command.commands[word]


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = []
    for link in (first or second for first, second in LINK.findall(prose(page))):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        lost = fragment and target.suffix == ".md" and fragment not in anchors(target)
        if lost or not target.exists():
            dead.append(link)
    assert not dead


@each_page
def test_every_command_shown_exists(page: Path) -> None:
    targets = set(TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    for line in console_lines(page):
        for path, *words in commands(line):
            program = Path(path).name
            if program == "packyard":
                check_packyard(words)
            elif program == "make":
                assert {word for word in words if "=" not in word} <= targets, line
            else:
                assert program in FOREIGN, f"{program!r} in {line!r} is not a known program"


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")}
    linked = {link.partition("#")[0] for pair in LINK.findall(index) for link in pair}
    decisions = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    linked |= {f"decisions/{link}" for pair in LINK.findall(decisions) for link in pair}
    assert pages - {"README.md"} <= linked
