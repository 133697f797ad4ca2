"""`packyard hub registry`: other registries that a hub reads, of every kind (hub.md)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from packyard.cli import screen
from packyard.cli.help import Command
from packyard.cli.hub import registry_form, registry_sync
from packyard.cli.hub.registry_form import PATH, Kind, Said, is_read
from packyard.cli.hub.registry_options import Spoken, speaking
from packyard.cli.hub.registry_rows import (
    COLUMNS,
    DETAILS,
    every,
    find,
    is_own,
    kind_of,
)
from packyard.cli.hub.removal import remove_all
from packyard.cli.hub.target import open_hub
from packyard.cli.options import DEFAULT_HOME, Home, HubServer, InUse, ListFormat, Output, Yes
from packyard.cli.output import as_table, show_row, show_rows
from packyard.errors import ParameterInvalid, Unsupported
from packyard.remotes.items import REGISTRY, Item, at, name_of, uid_of

if TYPE_CHECKING:
    from packyard.remotes.hub import Hub

app = typer.Typer()

Registry = Annotated[str, typer.Argument(metavar="REGISTRY", help="Name or uid of a registry.")]
Registries = Annotated[
    list[str], typer.Argument(metavar="REGISTRY", help="Names or uids of registries.")
]
Watch = Annotated[bool, typer.Option("-w", "--watch", help="Wait for the end, with progress.")]


@app.command(cls=Command)
@speaking
def add(
    kind: Annotated[Kind, typer.Argument(metavar="KIND", help="pack, helm, oci or ecr.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="How people know it.")],
    endpoint: Annotated[
        str, typer.Argument(metavar="ENDPOINT", help="[https://]host[:port][/path].")
    ],
    *,
    spoken: Spoken,
    later: Annotated[
        bool, typer.Option("--later", help="Leave the first synchronization for later.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Add nothing; say whether it can be read.")
    ] = False,
    watch: Watch = False,
    output: Output = ListFormat.TABLE,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Add a registry to the hub, and print its uid.

    One that is synchronized has to answer, and is read at once; how that ends --watch says on
    standard error.
    """
    said = replace(spoken.said, endpoint=endpoint)
    registry_form.require_fitting(kind, said)
    spec = registry_form.spec_of(kind, spoken.with_secret(said))
    with open_hub(server, home) as hub:
        if dry_run:
            hub.send("POST", f"{kind.collection}/validate", spec)
            _say_readable(endpoint, {"name": name}, output)
            return
        made = _create(hub, kind, name, spec, later=later)
        if output is ListFormat.TABLE:
            screen.result(uid_of(made))
        ended = registry_sync.watch(hub, [find(hub, uid_of(made))]) if watch and not later else []
        if output is not ListFormat.TABLE:
            show_row(registry_sync.rows(hub, ended or [(made, {})])[0], output, {})
    registry_sync.tell(ended, screen.message)
    _end(registry_sync.did_well(ended))


def _create(hub: Hub, kind: Kind, name: str, spec: Item, *, later: bool) -> Item:
    """Its name and uid."""
    query = {} if kind is Kind.HELM else {"skipPackSync": later}
    option = {"createOption": {"skipSync": later}} if kind is Kind.HELM else {}
    body = {"metadata": {"name": name}, "spec": {**spec, **option}}
    return {**hub.create(kind.collection, body, query), "name": name}


@app.command("ls", cls=Command)
def list_registries(
    *, output: Output = ListFormat.TABLE, server: HubServer = "", home: Home = DEFAULT_HOME
) -> None:
    """List the registries of a hub, its own first, and how they stand."""
    with open_hub(server, home) as hub:
        rows = every(hub)
    show_rows(rows, output, as_table(rows, COLUMNS), "There are no registries.")


@app.command(cls=Command)
def show(
    registry: Registry,
    *,
    output: Output = ListFormat.TABLE,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Show a registry, its synchronization, and what that could not take."""
    with open_hub(server, home) as hub:
        found = find(hub, registry)
        told = registry_sync.report(hub, found)
        if output is not ListFormat.TABLE:
            told = registry_sync.whole(hub, found, told)
        row = {**hub.get(kind_of(found).place(uid_of(found))), "kind": found["kind"], "sync": told}
    show_row(row, output, DETAILS)


@app.command("set", cls=Command)
@speaking
def change(
    registry: Registry,
    *,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Another name.")] = "",
    endpoint: Annotated[
        str, typer.Option("--endpoint", metavar="ENDPOINT", help="Another place.")
    ] = "",
    spoken: Spoken,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Change a registry; what is not named stays, secrets for the same user too.

    It is synchronized anew.
    """
    said = replace(spoken.said, endpoint=endpoint)
    if said == Said() and not name and not spoken.brings_secret:
        raise ParameterInvalid("Say what to change: --name, --endpoint, --username or another.")
    with open_hub(server, home) as hub:
        found = find(hub, registry)
        kind = kind_of(found)
        registry_form.require_fitting(kind, said)
        place = kind.place(uid_of(found))
        spec = registry_form.changed(kind, hub.get(place), spoken.with_secret(said))
        hub.send("PUT", place, {"metadata": {"name": name or name_of(found)}, "spec": spec})


@app.command(cls=Command)
def validate(
    registry: Registry,
    *,
    output: Output = ListFormat.TABLE,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Say whether a registry can be read now, and exactly why not."""
    with open_hub(server, home) as hub:
        found = find(hub, registry)
        kind = kind_of(found)
        if at(found, "isDefault") is not True:
            spec = at(hub.get(kind.place(uid_of(found))), "spec")
            assert isinstance(spec, dict)  # noqa: S101  (of the form that every registry has)
            body = {**spec, "registryUid": uid_of(found)}
            hub.send("POST", f"{kind.collection}/validate", body)
    _say_readable(name_of(found), {"name": name_of(found), "uid": uid_of(found)}, output)


@app.command(cls=Command)
def sync(
    registries: Annotated[
        list[str] | None, typer.Argument(metavar="REGISTRY", help="Names or uids. [default: all]")
    ] = None,
    *,
    force: Annotated[
        bool,
        typer.Option(
            "-f",
            "--force",
            help="End one that has run for long, and begin anew; believe a registry that lists "
            "nothing any more.",
        ),
    ] = False,
    watch: Watch = False,
    output: Output = ListFormat.TABLE,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Read registries anew, now. Exits with 1 where --watch saw one fail.

    As JSON or YAML it says of each how it did, and what it could not take.
    """
    with open_hub(server, home) as hub:
        if registries:
            found = [find(hub, registry) for registry in registries]
        else:
            found = [row for row in every(hub) if not is_own(row) and is_read(row)]
        for row in found:
            if not is_own(row) and not is_read(row):
                raise Unsupported(f"{name_of(row)} is not synchronized: it was added so.")
        for row in found:
            query = {"forceSync": True} if force else None
            hub.send("POST", f"{kind_of(row).place(uid_of(row))}/sync", query=query)
            if not watch:
                screen.message(f"Asked for {name_of(row)}")
        ended = registry_sync.watch(hub, found) if watch else [(row, {}) for row in found]
        rows = registry_sync.rows(hub, ended) if output is not ListFormat.TABLE else []
    if output is not ListFormat.TABLE:
        show_rows(rows, output, [], "")
    elif not ended:
        screen.message("There are no registries to synchronize.")
    elif watch:
        registry_sync.tell(ended, screen.result)
    _end(not watch or registry_sync.did_well(ended))


@app.command("rm", cls=Command)
def remove(
    registries: Registries,
    *,
    force: InUse = False,
    yes: Yes = False,
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Forget registries, with what the catalog has of them."""
    with open_hub(server, home) as hub:
        found = [find(hub, registry) for registry in registries]
        query = {"force": True} if force else None
        remove_all(hub, PATH, REGISTRY, found, yes=yes, query=query)


def _say_readable(shown: str, row: Item, output: ListFormat) -> None:
    if output is ListFormat.TABLE:
        screen.result(f"readable  {shown}")
    else:
        show_row({**row, "readable": True}, output, {})


def _end(well: bool) -> None:
    if not well:
        raise typer.Exit(1)
