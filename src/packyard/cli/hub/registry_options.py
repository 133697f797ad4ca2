"""The options by which people describe a registry, once for all commands that take them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any

import typer

from packyard.cli import ask
from packyard.cli.hub.registry_form import Provider, Said
from packyard.errors import ParameterInvalid

Username = Annotated[
    str | None, typer.Option("-u", "--username", metavar="NAME", help="Signs in with a password.")
]
Token = Annotated[bool, typer.Option("--token", help="Signs in with a token.")]
NoLogin = Annotated[bool, typer.Option("--no-login", help="Signs in with nothing.")]
AccessKey = Annotated[
    str | None,
    typer.Option("--access-key", metavar="ID", help="Of AWS; signs in with its secret key."),
]
RoleArn = Annotated[
    str | None, typer.Option("--role-arn", metavar="ARN", help="Of AWS; the hub signs in as it.")
]
ExternalId = Annotated[
    str, typer.Option("--external-id", metavar="ID", help="That the role asks for.")
]
Partition = Annotated[
    str, typer.Option("--partition", metavar="NAME", help="Of AWS: aws, aws-cn, aws-us-gov.")
]
Region = Annotated[
    str, typer.Option("--region", metavar="NAME", help="Of AWS, where the endpoint names none.")
]
Public = Annotated[
    bool | None,
    typer.Option(
        "--public/--private", help="Whether an ECR registry is public.", show_default=False
    ),
]
SecretFile = Annotated[
    Path | None,
    typer.Option(
        "--secret-file",
        metavar="FILE",
        help="Holds the password, token or secret key.",
        exists=True,
        dir_okay=False,
    ),
]
SecretStdin = Annotated[bool, typer.Option("--secret-stdin", help="Read that from standard input.")]
Provides = Annotated[
    Provider | None, typer.Option("--provider", help="What it holds; helm where nothing is said.")
]
BasePath = Annotated[
    str | None,
    typer.Option(
        "--base-path",
        metavar="PATH",
        help="Goes before each content path; '' for none.",
        show_default=False,
    ),
]
ContentPaths = Annotated[
    list[str] | None,
    typer.Option("--content-path", metavar="PATH", help="Where content stands; repeatable."),
]
Authority = Annotated[
    Path | None,
    typer.Option(
        "--ca-file",
        metavar="FILE",
        help="Certificates to trust, PEM; an empty file for none.",
        exists=True,
        dir_okay=False,
    ),
]
Insecure = Annotated[
    bool | None,
    typer.Option("--insecure/--verify", help="Whether TLS goes unverified.", show_default=False),
]
Sync = Annotated[
    bool | None,
    typer.Option(
        "--sync/--no-sync",
        help="Whether it is read; else only clusters reach it, and charts are named by hand.",
        show_default=False,
    ),
]

# In the order of the help; by the names of `Said`, but for where the secret comes from.
_OPTIONS: dict[str, tuple[Any, object]] = {
    "username": (Username, None),
    "token": (Token, False),
    "no_login": (NoLogin, False),
    "access_key": (AccessKey, None),
    "role": (RoleArn, None),
    "external_id": (ExternalId, ""),
    "partition": (Partition, ""),
    "region": (Region, ""),
    "public": (Public, None),
    "secret_file": (SecretFile, None),
    "secret_stdin": (SecretStdin, False),
    "provider": (Provides, None),
    "base_path": (BasePath, None),
    "content_paths": (ContentPaths, None),
    "authority": (Authority, None),
    "insecure": (Insecure, None),
    "sync": (Sync, None),
}


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was said by options, and where the secret is to come from."""

    said: Said
    secret_file: Path | None
    secret_stdin: bool

    @property
    def brings_secret(self) -> bool:
        return self.secret_stdin or self.secret_file is not None

    def with_secret(self, said: Said) -> Said:
        """What was said, with the secret that it asks for, or that was brought along."""
        if self.secret_file and self.secret_stdin:
            raise ParameterInvalid("--secret-file and --secret-stdin exclude each other.")
        wanted = said.wants_secret
        if not (wanted or self.brings_secret):
            return said
        found = ask.secret(
            wanted or "secret",
            file=self.secret_file,
            from_stdin=self.secret_stdin,
            instead="--secret-stdin or --secret-file",
        )
        return replace(said, secret=found)


def speaking(command: Callable[..., None]) -> Callable[..., None]:
    """A command of the options above, in the place of its parameter `spoken`.

    typer knows the options of a command by its signature alone, and has no way for two commands to
    share some: so theirs are put together here, not written out twice.
    """
    options = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in _OPTIONS.items()
    ]
    parameters: list[Parameter] = []
    for own in inspect.signature(command, eval_str=True).parameters.values():
        parameters += options if own.name == "spoken" else [own]

    @wraps(command)
    def run(**given: Any) -> None:
        words = {name: given.pop(name) for name in _OPTIONS}
        command(**given, spoken=_spoken(**words))

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


def _spoken(
    *,
    secret_file: Path | None,
    secret_stdin: bool,
    content_paths: list[str] | None,
    authority: Path | None,
    **rest: Any,
) -> Spoken:
    said = Said(
        content_paths=tuple(content_paths) if content_paths else None,
        authority=_certificates(authority) if authority else None,
        **rest,
    )
    return Spoken(said, secret_file, secret_stdin)


def _certificates(file: Path) -> str:
    data = file.read_bytes()
    if data.strip() and b"-----BEGIN CERTIFICATE-----" not in data:
        raise ParameterInvalid(
            f"{file} holds no certificate in PEM form, which begins with "
            "'-----BEGIN CERTIFICATE-----'."
        )
    return ask.text_of(file, data)
