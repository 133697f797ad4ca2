"""What a registry holds, as rows: by the pack API of ours, by catalog and tags of any other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

from packyard.cli import output, screen
from packyard.cli.output import Columns, Row, moment
from packyard.cli.target import Target
from packyard.errors import NotFound, PackUnknown, RemoteFailed
from packyard.packs.artifact import pack_of_repository
from packyard.packs.model import parse_pack_name
from packyard.packs.tags import is_parent_form
from packyard.packs.version import sort_key
from packyard.references import Tag
from packyard.remotes.oci import catalog

PARALLEL = 8


def list_packs(target: Target, name: str, *, all_tags: bool) -> list[Row]:
    """Every version of every pack, or of the one of that name; with `all_tags` parent tags and
    added ones too. By name, then newest version first."""
    rows = _by_tags(target, name) if target.address.oci else _by_api(target, name)
    if name and not rows:
        raise PackUnknown(f"{target.address} holds no pack {name}.")
    if target.address.oci:
        return [row for row in rows if all_tags or not is_parent_form(str(row["tag"]))]
    return _with_tags(target, rows) if all_tags else rows


def _by_api(target: Target, name: str) -> list[Row]:
    rows: list[Row] = []
    place = ""
    while True:
        asked = {"name": name, "limit": "1000", "after": place}
        query = urlencode({key: value for key, value in asked.items() if value})
        page = _object(target, f"/v1/_packs?{query}")
        rows += _rows(page, "items")
        following = page.get("next")
        if not following or following == place:
            return rows
        place = str(following)


def _with_tags(target: Target, versions: Iterable[Row]) -> list[Row]:
    """A row for each tag, with what is known of the version that it leads to."""
    by_digest = {(row.get("name"), row.get("digest")): row for row in versions}
    names = list(dict.fromkeys(str(row["name"]) for row in by_digest.values()))
    with ThreadPoolExecutor(PARALLEL) as pool:
        answers = pool.map(lambda name: _object(target, f"/v1/_packs/{name}"), names)
    return [
        {**by_digest.get((name, tag.get("digest")), {"name": name}), **tag}
        for name, answer in zip(names, answers, strict=True)
        for tag in _rows(answer, "tags")
    ]


def _by_tags(target: Target, name: str) -> list[Row]:
    base = target.address.base
    if name:
        names = [parse_pack_name(name)]
    else:
        found = (pack_of_repository(repo, base) for repo in catalog(target.client))
        names = sorted(parse_pack_name(name) for name in found if name)
    with ThreadPoolExecutor(PARALLEL) as pool:
        lists = pool.map(lambda name: _tags(target, name), names)
    return [
        {"name": name, "tag": tag} for name, tags in zip(names, lists, strict=True) for tag in tags
    ]


def _tags(target: Target, name: str) -> list[Tag]:
    try:
        tags = target.pack(name).tags()
    except NotFound:
        return []
    return sorted(tags, key=lambda tag: sort_key(tag.rpartition("__")[2]), reverse=True)


def _object(target: Target, path: str) -> Mapping[str, object]:
    data = target.client.request("GET", path).json()
    if not isinstance(data, dict):
        raise RemoteFailed(f"{target.client.host} answered {path} with something else than packs.")
    return data


def _rows(answer: Mapping[str, object], key: str) -> list[Row]:
    rows = answer.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def as_table(rows: Sequence[Row], *, all_tags: bool) -> list[str]:
    """Lines of a table; a column that has nothing to show is left out."""
    columns: Columns = {
        "NAME": lambda row: _text(row, "name"),
        "TAG": lambda row: _text(row, "tag"),
        "VERSION": lambda row: _text(row, "version") if all_tags else "",
        "LAYER": lambda row: _text(row, "layer"),
        "TYPE": lambda row: _text(row, "addonType"),
        "SIZE": lambda row: _size(row.get("size")),
        "PUSHED": lambda row: moment(_text(row, "pushedAt")),
    }
    return output.as_table(rows, columns)


def _text(row: Row, key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""


def _size(value: object) -> str:
    return screen.size(value) if isinstance(value, int) else ""
