"""`packyard pack`: make, check, push, list, pull, render and tag packs."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from packyard.cli import screen
from packyard.cli.help import Command
from packyard.cli.options import DEFAULT_HOME, Home, ListFormat, Output, RegistryServer
from packyard.errors import ParameterInvalid
from packyard.packs.model import Layer, parse_pack_name

app = typer.Typer()
tags = typer.Typer(name="tag", help="Add tags to packs, and delete them.", no_args_is_help=True)
app.add_typer(tags)

Folders = Annotated[
    list[Path],
    typer.Argument(
        metavar="DIR", help="Folders of packs, or their archives (.tar.gz).", exists=True
    ),
]


class FindingsFormat(StrEnum):
    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


@app.command("lint", cls=Command)
def lint_packs(
    folders: Folders,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Fail for warnings too.")] = False,
    form: Annotated[
        FindingsFormat, typer.Option("--format", help="Text for people, JSON or SARIF 2.1.0.")
    ] = FindingsFormat.TEXT,
) -> None:
    """Say everything that is wrong with packs, and how to mend it."""
    from packyard.charts.engine import Engine
    from packyard.cli import report

    with Engine(1) as engine:
        checked = [report.check(folder, engine) for folder in folders]
    if form is FindingsFormat.TEXT:
        for line in report.as_text(checked, sys.stdout):
            screen.result(line)
    else:
        data = report.as_sarif(checked) if form is FindingsFormat.SARIF else report.as_json(checked)
        screen.result(json.dumps(data, indent=2, ensure_ascii=False))
    raise typer.Exit(int(report.fails(checked, strict=strict)))


@app.command(cls=Command)
def push(
    folders: Folders,
    *,
    server: RegistryServer = "",
    force: Annotated[
        bool, typer.Option("-f", "--force", help="Replace other content under the same tag.")
    ] = False,
    message: Annotated[
        str, typer.Option("-m", "--message", metavar="TEXT", help="Why; mandatory with --force.")
    ] = "",
    skip_digest_check: Annotated[
        bool, typer.Option("--skip-digest-check", help="Do not compare with what is there.")
    ] = False,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Push without files that pack.json names.")
    ] = False,
    home: Home = DEFAULT_HOME,
) -> None:
    """Push packs to a registry.

    Identical content that is there already stays as it is. Give --force and a --message to
    replace other content.
    """
    from packyard.cli.push import Options, push_all
    from packyard.cli.target import open_target

    if force and not message.strip():
        raise ParameterInvalid("--force needs a --message that says why content is replaced.")
    options = Options(
        message=message, force=force, compare=not skip_digest_check, allow_missing=allow_missing
    )
    with open_target(server, home) as target:
        failed = push_all(target, folders, options)
    if failed:
        all_of = screen.amount(len(folders), "pack")
        screen.error(f"{len(failed)} of {all_of} failed: {', '.join(map(str, failed))}")
        raise typer.Exit(1)


@app.command("ls", cls=Command)
def list_packs(
    server_argument: Annotated[
        str, typer.Argument(metavar="SERVER", help="As --registry-server.", show_default=False)
    ] = "",
    *,
    server: RegistryServer = "",
    name: Annotated[
        str, typer.Option("-n", "--name", metavar="NAME", help="Only the pack of this name.")
    ] = "",
    all_tags: Annotated[
        bool, typer.Option("--all-tags", help="Parent tags and added tags too.")
    ] = False,
    output: Output = ListFormat.TABLE,
    home: Home = DEFAULT_HOME,
) -> None:
    """List the packs of a registry, a line for each version."""
    from packyard.cli import listing
    from packyard.cli.output import show_rows
    from packyard.cli.target import open_target

    if server_argument and server and server_argument != server:
        raise ParameterInvalid("SERVER and --registry-server name two servers: give one of them.")
    with open_target(server or server_argument, home) as target:
        rows = listing.list_packs(target, name, all_tags=all_tags)
    table = listing.as_table(rows, all_tags=all_tags)
    show_rows(rows, output, table, "There are no packs.")


@app.command(cls=Command)
def pull(
    pack: Annotated[
        str,
        typer.Argument(metavar="NAME[:TAG|@DIGEST]", help="Without a tag the newest version."),
    ],
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where NAME-VERSION is made.", file_okay=False)
    ],
    *,
    server: RegistryServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Pull a pack into DIR/NAME-VERSION, with its digest verified."""
    from packyard.cli.folders import write_pack
    from packyard.cli.pull import pull_pack

    pulled = pull_pack(pack, server, home)
    written = folder / f"{pulled.pack.name}-{pulled.pack.version}"
    new = write_pack(pulled.files, pulled.content_digest, written)
    screen.result(f"{'pulled' if new else 'unchanged':<9}  {written}  {pulled.digest}")


@app.command("render", cls=Command)
def render_pack(
    pack: Annotated[
        str,
        typer.Argument(metavar="DIR|NAME[:TAG]", help="A folder or archive, or a registry's pack."),
    ],
    *,
    values: Annotated[
        list[Path] | None,
        typer.Option(
            "-f",
            "--values",
            metavar="FILE",
            help="Values over the pack's own, with the same sections.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="One value over all others."),
    ] = None,
    kubernetes: Annotated[
        str, typer.Option("--kube-version", metavar="VERSION", help="Kubernetes of the cluster.")
    ] = "",
    api_versions: Annotated[
        list[str] | None,
        typer.Option(
            "-a", "--api-versions", metavar="API", help="What the cluster offers besides."
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output-dir", metavar="DIR", help="A new folder, with a file for each manifest."
        ),
    ] = None,
    server: RegistryServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Print what a pack deploys: its Kubernetes manifests, in their order.

    Charts are rendered by Helm's engine, without a cluster. Macros stay as they are.
    """
    from packyard.cli import render
    from packyard.delivery.render import Cluster

    given = render.Given(files=values or (), assignments=assignments or ())
    cluster = Cluster(kubernetes=kubernetes, api_versions=tuple(api_versions or ()))
    render.show(render.rendered(pack, given, cluster, server, home), folder)


@app.command("images", cls=Command)
def list_images(
    pack: Annotated[
        str,
        typer.Argument(metavar="DIR|NAME[:TAG]", help="A folder or archive, or a registry's pack."),
    ],
    *,
    server: RegistryServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Print the images that a pack runs with its own values, found by rendering it."""
    from packyard.cli import render
    from packyard.delivery.images import images_of
    from packyard.delivery.render import Cluster

    for image in images_of(render.rendered(pack, render.Given(), Cluster(), server, home)):
        screen.result(image.full)


Chart = Annotated[
    str,
    typer.Option(
        "--chart",
        metavar="CHART",
        help="A file or folder, an URL, oci://HOST/PATH/NAME[:VERSION], or REPO/NAME of a "
        "repository that helm knows.",
    ),
]
Manifests = Annotated[
    list[Path] | None,
    typer.Option(
        "--manifest",
        metavar="FILE",
        help="A Kubernetes manifest; may be given several times.",
        exists=True,
        dir_okay=False,
    ),
]
Logo = Annotated[
    Path | None,
    typer.Option(
        "--logo",
        metavar="FILE",
        help="A PNG. [default: the chart's icon]",
        exists=True,
        dir_okay=False,
    ),
]


@app.command("build", cls=Command)
def build_pack(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The pack's name.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The pack's folder, new or empty.")],
    *,
    chart: Chart = "",
    chart_version: Annotated[
        str,
        typer.Option("--chart-version", metavar="VERSION", help="Of the chart. [default: newest]"),
    ] = "",
    manifests: Manifests = None,
    version: Annotated[
        str, typer.Option("--version", metavar="VERSION", help="[default: the chart's]")
    ] = "",
    layer: Annotated[
        Layer, typer.Option("--layer", help="Where in a profile the pack stands.")
    ] = Layer.ADDON,
    addon_type: Annotated[
        str,
        typer.Option("--addon-type", metavar="TYPE", help="Of an add-on. [default: system app]"),
    ] = "",
    display_name: Annotated[
        str, typer.Option("--display-name", metavar="TEXT", help="[default: from NAME]")
    ] = "",
    namespace: Annotated[
        str, typer.Option("--namespace", metavar="NAME", help="[default: NAME, for a chart]")
    ] = "",
    logo: Logo = None,
    pushed: Annotated[bool, typer.Option("-p", "--push", help="Push it, too.")] = False,
    server: RegistryServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Make a pack from a Helm chart, from manifests, or from both.

    The chart's values keep their comments; the images that it runs are found by rendering it.
    """
    from packyard.cli import build
    from packyard.cli.push import Options, push_all
    from packyard.cli.target import open_target
    from packyard.delivery.build import Wanted

    wanted = Wanted(
        name=parse_pack_name(name),
        version=version,
        layer=layer,
        addon_type=addon_type,
        display_name=display_name,
        namespace=namespace,
    )
    sources = build.Sources(
        chart=chart, chart_version=chart_version, manifests=manifests or (), logo=logo
    )
    build.tell(folder, build.build_pack(wanted, sources, folder, home))
    if not pushed:
        return
    options = Options(message="", force=False, compare=True, allow_missing=False)
    with open_target(server, home) as target:
        if push_all(target, [folder], options):
            raise typer.Exit(1)


Source = Annotated[str, typer.Argument(metavar="PACK:TAG", help="A tag that is there.")]


@tags.command("add", cls=Command)
def add_tag(
    pack: Source,
    label: Annotated[str, typer.Argument(metavar="LABEL", help="The new tag, without its group.")],
    *,
    group: Annotated[
        str, typer.Option("-g", "--group", metavar="GROUP", help="Group of the new tag.")
    ] = "",
    server: RegistryServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Let one more tag lead to a pushed pack."""
    from packyard.cli.target import open_target, split_tagged
    from packyard.packs.tags import tag_of
    from packyard.remotes import pack as remote

    name, tag = split_tagged(pack)
    new = tag_of(group, label)
    with open_target(server, home) as target:
        digest = remote.add_tag(target.pack(name), tag, new)
    screen.result(f"{'tagged':<9}  {name}:{new}  {digest}")


@tags.command("delete", cls=Command)
def delete_tag(
    pack: Source,
    *,
    force: Annotated[bool, typer.Option("--force", help="Also what cluster profiles use.")] = False,
    server: RegistryServer = "",
    home: Home = DEFAULT_HOME,
) -> None:
    """Delete a tag; with a version's own tag goes the pack.

    Parent tags (14.x, 14.4.x) cannot be deleted: the registry moves them by itself.
    """
    from packyard.cli.target import open_target, split_tagged

    name, tag = split_tagged(pack)
    with open_target(server, home) as target:
        target.pack(name).delete(tag, force=force)
    screen.result(f"{'deleted':<9}  {name}:{tag}")
