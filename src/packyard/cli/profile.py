"""`packyard profile`: cluster profiles as files, composed and checked without a server, and put
into a hub."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from packyard.cli import screen
from packyard.cli.help import Command
from packyard.cli.options import DEFAULT_HOME, Home, HubProject, HubServer, ListFormat, Output
from packyard.cli.pack import FindingsFormat
from packyard.errors import ParameterInvalid
from packyard.packs.model import Layer
from packyard.profiles.model import ProfileType

app = typer.Typer()

File = Annotated[Path, typer.Argument(metavar="FILE", help="The profile.", exists=True)]
NewFile = Annotated[Path, typer.Argument(metavar="FILE", help="The profile, a new file.")]
Registry = Annotated[
    str,
    typer.Option(
        "-r",
        "--registry",
        metavar="DIR|SERVER",
        help="A folder of packs, or a registry, from which all packs come. [default: those that "
        "the profile names]",
    ),
]
System = Annotated[
    list[str] | None,
    typer.Option("--system", metavar="NAME=VALUE", help="A system value, as cluster.name=edge-7."),
]
Macros = Annotated[
    list[str] | None,
    typer.Option("--macro", metavar="NAME=VALUE", help="A macro over those of the profile."),
]


class ExportFormat(StrEnum):
    JSON = "json"
    YAML = "yaml"
    TERRAFORM = "terraform"


@app.command(cls=Command)
def init(
    file: NewFile,
    *,
    name: Annotated[str, typer.Option("--name", help="[default: of its folder]")] = "",
    kind: Annotated[
        ProfileType, typer.Option("--type", help="Which layers it has.")
    ] = ProfileType.CLUSTER,
    cloud: Annotated[str, typer.Option("--cloud", metavar="TYPE", help="Its cloud type.")] = "",
    registries: Annotated[
        list[str] | None,
        typer.Option(
            "-r",
            "--registry",
            metavar="[NAME=]DIR|SERVER",
            help="Where packs come from: a folder or a registry.",
        ),
    ] = None,
    packs: Annotated[
        list[str] | None,
        typer.Option("--pack", metavar="NAME[:TAG]", help="A layer; in order, from the bottom."),
    ] = None,
    home: Home = DEFAULT_HOME,
) -> None:
    """Begin a profile: a file, and beside it the values of each layer to edit.

    Without a tag a layer is of the newest version.
    """
    from packyard.cli import profile_work

    written = profile_work.begin(file, name, kind, cloud, registries or (), packs or (), home)
    _tell(written)


@app.command(cls=Command)
def check(
    file: File,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Fail for warnings too.")] = False,
    form: Annotated[
        FindingsFormat, typer.Option("--format", help="Text for people, JSON or SARIF 2.1.0.")
    ] = FindingsFormat.TEXT,
    system: System = None,
    macros: Macros = None,
    registry: Registry = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Say everything that is wrong with a profile, and how to mend it."""
    from packyard.cli import profile_work, report

    checked = [profile_work.check_file(file, _pairs(system), _pairs(macros), registry, home)]
    if form is FindingsFormat.TEXT:
        for line in report.as_text(checked, sys.stdout, "profile"):
            screen.result(line)
    else:
        data = report.as_sarif(checked) if form is FindingsFormat.SARIF else report.as_json(checked)
        screen.result(json.dumps(data, indent=2, ensure_ascii=False))
    raise typer.Exit(int(report.fails(checked, strict=strict)))


@app.command("options", cls=Command)
def list_options(
    file: File,
    layer: Annotated[Layer, typer.Argument(metavar="LAYER", help="Of the packs to choose from.")],
    *,
    every: Annotated[
        bool, typer.Option("-a", "--all", help="Those that do not fit too, with the reason.")
    ] = False,
    output: Output = ListFormat.TABLE,
    registry: Registry = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """List the packs that can be the next layer: for its cloud, and beside its packs so far."""
    from packyard.cli import profile_work
    from packyard.cli.output import show_rows

    rows = profile_work.option_rows(file, layer, registry, home, every=every)
    table = profile_work.option_table(rows) if rows else []
    show_rows(rows, output, table, f"There are no packs of the layer {layer} that fit.")


@app.command(cls=Command)
def preset(
    file: File,
    layer: Annotated[str, typer.Argument(metavar="LAYER", help="The name of a layer.")],
    name: Annotated[
        str, typer.Argument(metavar="PRESET", help="To choose. [default: list them]")
    ] = "",
    *,
    registry: Registry = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Choose a preset of a layer's pack in its values, in the place of another of its group."""
    from packyard.cli import profile_work

    if name:
        path = profile_work.choose_preset(file, layer, name, registry, home)
        screen.result(f"{'chosen':<9}  {name}  {path}")
    else:
        rows = profile_work.preset_rows(file, layer, registry, home)
        if not rows:
            screen.message(f"The pack of {layer} has no presets.")
        else:
            screen.result("\n".join(screen.table(["GROUP", "PRESET", "NAME", "CHOSEN"], rows)))


@app.command(cls=Command)
def render(
    file: File,
    *,
    variables: Annotated[
        list[str] | None,
        typer.Option("--var", metavar="NAME=VALUE", help="The value of a variable."),
    ] = None,
    system: System = None,
    macros: Macros = None,
    kubernetes: Annotated[
        str,
        typer.Option("--kube-version", metavar="VERSION", help="[default: the Kubernetes layer's]"),
    ] = "",
    api_versions: Annotated[
        list[str] | None,
        typer.Option("-a", "--api-versions", metavar="API", help="What the cluster offers."),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output-dir", metavar="DIR", help="A new folder, with a file for each manifest."
        ),
    ] = None,
    registry: Registry = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Print what the add-on layers deploy: Kubernetes manifests, in the order of installation."""
    from packyard.cli import profile_work
    from packyard.cli.render import show
    from packyard.delivery.profile import Deployment
    from packyard.delivery.render import Cluster

    cluster = Cluster(kubernetes=kubernetes, api_versions=tuple(api_versions or ()))
    deployment = Deployment(
        variables=_pairs(variables), system=_pairs(system), macros=_pairs(macros), cluster=cluster
    )
    show(profile_work.rendered(file, deployment, registry, home), folder)


@app.command(cls=Command)
def export(
    file: File,
    *,
    form: Annotated[
        ExportFormat, typer.Option("--format", help="What it is made for.")
    ] = ExportFormat.JSON,
    registry: Registry = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Print the profile as one document for a server, or for Terraform; secrets are masked."""
    from packyard.cli import profile_work

    screen.result(profile_work.exported(file, form.value, registry, home).removesuffix("\n"))


@app.command("import", cls=Command)
def import_profile(
    exported: Annotated[
        Path, typer.Argument(metavar="EXPORT", help="JSON or YAML of a server.", exists=True)
    ],
    file: NewFile,
    *,
    registries: Annotated[
        list[str] | None,
        typer.Option(
            "-r",
            "--registry",
            metavar="NAME=DIR|SERVER",
            help="Where the packs of a registry of that name come from here.",
        ),
    ] = None,
) -> None:
    """Make a profile of an exported one, with a file for the values of each layer."""
    from packyard.cli import profile_work

    _tell(profile_work.imported(exported, file, _pairs(registries)))


@app.command(cls=Command)
def push(
    file: File,
    *,
    publish: Annotated[
        bool, typer.Option("--publish", help="Publish it, where nothing is in the way.")
    ] = False,
    registries: Annotated[
        list[str] | None,
        typer.Option(
            "-r",
            "--registry",
            metavar="NAME=REGISTRY",
            help="What a registry of the profile is called in the hub. [default: the one of the "
            "same name or address]",
        ),
    ] = None,
    project: HubProject = "",
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Put a profile into a hub: a new one, or changed layers of that name and version.

    What the hub finds wrong is listed as by check; what it would refuse is not sent.
    """
    from packyard.cli import report
    from packyard.cli.hub.profile_push import push as put
    from packyard.cli.hub.target import open_hub

    with open_hub(server, home, project) as hub:
        pushed = put(hub, file, _pairs(registries), home, publish=publish)
    if pushed.findings:
        checked = report.Checked(file, pushed.findings, file.parent)
        for line in report.as_text([checked], sys.stderr, "profile"):
            screen.message(line)
    if not pushed.done:
        raise typer.Exit(1)
    state = "published" if pushed.published else "draft"
    screen.result(f"{pushed.done:<9}  {pushed.label}  {pushed.uid}  {state}")


@app.command(cls=Command)
def pull(
    named: Annotated[
        str,
        typer.Argument(
            metavar="NAME[:VERSION]", help="Of a hub, or a uid; without version the newest."
        ),
    ],
    file: NewFile,
    *,
    published: Annotated[
        bool, typer.Option("--published", help="What was published, not the draft.")
    ] = False,
    force: Annotated[
        bool, typer.Option("-f", "--force", help="Over the files that are there.")
    ] = False,
    project: HubProject = "",
    server: HubServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Take a profile out of a hub, with a file for the values of each layer.

    Secrets of variables are masked; the hub keeps them when the profile is pushed again.
    """
    from packyard.cli.hub.profile_pull import pull as take
    from packyard.cli.hub.target import open_hub

    with open_hub(server, home, project) as hub:
        _tell(take(hub, named, file, published=published, force=force))


def _pairs(given: Iterable[str] | None) -> dict[str, str]:
    pairs = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ParameterInvalid(f"{text!r} gives no value: write NAME=VALUE.")
        pairs[name] = value
    return pairs


def _tell(written: Iterable[Path]) -> None:
    for path in written:
        screen.result(f"{'written':<9}  {path}")
