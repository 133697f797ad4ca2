"""A cluster profile as a Terraform configuration (terraform-contract.md, section 7).

One `spectrocloud_cluster_profile`, the registries of its layers as data sources, and an input
variable in the place of each secret, for a configuration is kept in Git.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from packyard.profiles.content import Content
from packyard.profiles.exchange import masked
from packyard.profiles.model import (
    TAG_VALUE,
    InputType,
    PackType,
    Profile,
    ProfileLayer,
    ProfileType,
    Variable,
)

_UNFIT = re.compile(r"[^A-Za-z0-9_]+")
_BLOCKABLE = re.compile(r"(?:[^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029])*")
_SPECIAL = re.compile(r'[\x00-\x1f"\\\x7f-\x9f\u2028\u2029]')
_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t", '"': r"\"", "\\": r"\\"}
_ARGUMENT = re.compile(r"\w+ = ")
_RESERVED = {
    "count", "depends_on", "for_each", "lifecycle", "locals", "providers", "source", "version",
}  # fmt: skip
"""Names that no input variable may have."""
_KINDS = {"oci": "registry_oci", "helm": "registry_helm", "pack": "registry_pack"}


def terraform(profile: Profile, packs: Sequence[Content] = ()) -> str:
    """In Terraform's own language; `packs` are as for `exchange.export`."""
    known = packs or [None] * len(profile.layers)
    layers = [masked(layer, content) for layer, content in zip(profile.layers, known, strict=True)]
    registries = _registries(layers)
    secrets = _secrets(profile.variables)
    blocks = [
        *(_data_source(kind, name, label) for (kind, name), label in registries.items()),
        *(_input(secret) for secret in secrets.values()),
        _resource(profile, layers, registries, secrets),
    ]
    return "\n".join("\n".join(block) + "\n" for block in blocks)


def _resource(
    profile: Profile,
    layers: Iterable[ProfileLayer],
    registries: Mapping[tuple[str, str], str],
    secrets: Mapping[str, str],
) -> list[str]:
    body = [
        *_arguments(
            {
                "name": profile.name,
                "description": profile.description,
                "version": profile.version,
                "type": profile.type.value,
                "cloud": profile.cloud_type or ("all" if profile.type is ProfileType.ADDON else ""),
            }
        ),
        *_tags(profile.labels),
    ]
    for layer in layers:
        body += ["", *_block("pack", _layer(layer, registries))]
    if profile.variables:
        inner: list[str] = []
        for variable in profile.variables:
            inner += _block("variable", _variable(variable, secrets.get(variable.name, "")))
        body += ["", *_block("profile_variables", inner)]
    label = _label(profile.name) or "profile"
    return _block(f'resource "spectrocloud_cluster_profile" "{label}"', body)


def _layer(layer: ProfileLayer, registries: Mapping[tuple[str, str], str]) -> Iterator[str]:
    yield from _arguments({"name": layer.name, "type": layer.type.value, "tag": layer.tag})
    label = registries.get(_registry(layer))
    if label:
        kind = _KINDS.get(layer.registry.kind, "registry")
        yield f"registry_uid = data.spectrocloud_{kind}.{label}.id"
    if layer.values:
        yield from _text("values", layer.values)
    for manifest in layer.manifests:
        yield from _block(
            "manifest",
            [*_arguments({"name": manifest.name}), *_text("content", manifest.content)],
        )


def _variable(variable: Variable, secret: str) -> Iterator[str]:
    yield from _arguments(
        {
            "name": variable.name,
            "display_name": variable.display_name or variable.name,
            "description": variable.description,
            "format": variable.format.value,
        }
    )
    if secret:
        yield f"default_value = var.{secret}"
    elif not variable.sensitive:
        yield from _arguments({"default_value": variable.default or variable.preset})
    yield from _arguments({"regex": variable.regex})
    flags = {
        "required": variable.required,
        "immutable": variable.immutable,
        "hidden": variable.hidden,
        "is_sensitive": variable.sensitive,
    }
    yield from (f"{name} = true" for name, value in flags.items() if value)
    if variable.input_type is not InputType.TEXT:
        yield from _arguments({"input_type": variable.input_type.value})
    for option in variable.options:
        yield from _block(
            "options",
            _arguments(
                {"value": option.value, "label": option.label, "description": option.description}
            ),
        )


def _registries(layers: Iterable[ProfileLayer]) -> dict[tuple[str, str], str]:
    """A label for each registry that a layer names, by kind and name."""
    labels: dict[tuple[str, str], str] = {}
    for layer in layers:
        key = _registry(layer)
        if key[1] and layer.type is not PackType.MANIFEST and key not in labels:
            labels[key] = _unused(_label(key[1]) or "registry", labels.values())
    return labels


def _registry(layer: ProfileLayer) -> tuple[str, str]:
    return layer.registry.kind, layer.registry.name


def _secrets(variables: Iterable[Variable]) -> dict[str, str]:
    """The input variables that stand for secret defaults, by the variable of the profile."""
    labels: dict[str, str] = {}
    for variable in variables:
        if variable.sensitive and variable.preset:
            base = _label(variable.name) or "secret"
            base = f"{base}_value" if base in _RESERVED else base
            labels[variable.name] = _unused(base, labels.values())
    return labels


def _unused(base: str, taken: Collection[str]) -> str:
    numbered = (f"{base}_{number}" for number in range(2, len(taken) + 3))
    return base if base not in taken else next(one for one in numbered if one not in taken)


def _data_source(kind: str, name: str, label: str) -> list[str]:
    source = f'data "spectrocloud_{_KINDS.get(kind, "registry")}" "{label}"'
    return _block(source, _arguments({"name": name}))


def _input(label: str) -> list[str]:
    return _block(f'variable "{label}"', ["type = string", "sensitive = true"])


# The language.


def _label(text: str) -> str:
    """A name that the language takes; it may not begin with a digit."""
    label = _UNFIT.sub("_", text).strip("_").lower()
    return f"_{label}" if label[:1].isdigit() else label


def _block(head: str, body: Iterable[str]) -> list[str]:
    """Equal signs of lines that follow each other stand below each other, as `fmt` has them."""
    lines: list[str] = []
    run: list[str] = []
    for line in [*body, ""]:
        is_argument = _ARGUMENT.match(line)
        if is_argument:
            run.append(line)
        if not is_argument or "\n" in line:  # a text of several lines ends its run
            lines += _aligned(run)
            run = []
        if not is_argument:
            lines.append(line)
    return [f"{head} {{", *map(_indented, lines[:-1]), "}"]


def _aligned(arguments: list[str]) -> list[str]:
    pairs = [argument.split(" = ", 1) for argument in arguments]
    width = max((len(name) for name, _ in pairs), default=0)
    return [f"{name:<{width}} = {value}" for name, value in pairs]


def _indented(line: str) -> str:
    """Every line of a text stays where it is; others are indented."""
    first, newline, rest = line.partition("\n")
    return (f"  {first}" if first else "") + newline + rest


def _arguments(values: Mapping[str, str]) -> Iterator[str]:
    """One line each; what is empty is left out."""
    return (f"{name} = {_quoted(value)}" for name, value in values.items() if value)


def _tags(labels: Mapping[str, str]) -> Iterator[str]:
    tags = [key if value == TAG_VALUE else f"{key}:{value}" for key, value in labels.items()]
    if tags:
        yield f"tags = [{', '.join(map(_quoted, tags))}]"


def _text(name: str, text: str) -> Iterator[str]:
    """As a heredoc, where one can hold the text; its end is in no line of the text."""
    if not _BLOCKABLE.fullmatch(text):
        yield f"{name} = {_quoted(text)}"
        return
    lines = text.removesuffix("\n").split("\n")
    words = (f"EOT{number or ''}" for number in range(len(lines) + 1))
    end = next(word for word in words if all(line.strip() != word for line in lines))
    yield "\n".join([f"{name} = <<{end}", *map(_escaped, lines), end])


def _quoted(text: str) -> str:
    return f'"{_escaped(_SPECIAL.sub(_special, text))}"'


def _special(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[0], f"\\u{ord(match[0]):04x}")


def _escaped(text: str) -> str:
    """What the language would read as an expression is doubled."""
    return text.replace("${", "$${").replace("%{", "%%{")
