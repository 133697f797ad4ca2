"""What a worker process does: the jobs, by Helm's own engine.

A job gets a head of JSON values and parts of bytes, and answers the same. Its answer has
`findings`, and what it was asked for where there is no finding against that.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import helm_python as helm

from packyard.charts import archive, manifests, messages, schema
from packyard.charts.archive import Refused, Source
from packyard.charts.frames import pack
from packyard.charts.keyring import binary
from packyard.charts.masks import masked, unquoted
from packyard.charts.rules import found
from packyard.findings import Finding

Head = dict[str, Any]
Parts = Sequence[bytes]
Files = Callable[[], AbstractContextManager[Path]]
"""Opens a folder in which the engine may read and write while it lasts."""

_Answer = tuple[Head, Parts]
_TEMPLATE_CHART = b"apiVersion: v2\nname: t\nversion: 0.0.0\n"
# Templates of one chart share the names that they define, so these have a chart each.
_SHARED = re.compile(r"\b(?:define|block|template|include|tpl)\b")
_FILE = re.compile(r"[A-Za-z0-9._+-]{1,200}\.tgz")
_LINT = {1: "helm.lint-hint", 2: "helm.lint", 3: "helm.lint"}


def answer(head: Head, parts: Parts, files: Files) -> bytes:
    """The answer to a job as a frame; what the chart or the values are to blame for is in it."""
    job = _JOBS[head.pop("job")]
    try:
        return pack(*job(head, parts, files))
    except Refused as refused:
        return pack(*_blame([refused.finding]))
    except RecursionError:
        message = "Something in the chart or in what it gives is nested too deeply."
        return pack(*_blame([found("helm.invalid", message)]))


def warm_up() -> None:
    """Let the engine open once what it keeps open, and fill its caches."""
    source = Source({"Chart.yaml": _TEMPLATE_CHART, "templates/a": b"{{ now }}"}, {})
    with helm.Chart.load_archive(source.packed()) as chart:
        chart.render()
    with contextlib.suppress(helm.HelmError):
        helm.Chart.load(__file__)  # no chart, but a file that is opened


def _blame(findings: Sequence[Finding]) -> _Answer:
    return {"findings": [finding.as_json() for finding in findings]}, ()


def _load(_: Head, parts: Parts, __: Files) -> _Answer:
    source = archive.read(parts[0])
    if findings := schema.check(source):
        return _blame(findings)
    with _loaded(source) as chart:
        names = dict(source.everything())
        reply = {
            "metadata": chart.metadata,
            "values": chart.values,
            "subcharts": chart.dependencies,
            "files": list(names),
        }
    return {**reply, "findings": []}, list(names.values())


def _render(head: Head, parts: Parts, _: Files) -> _Answer:
    source = archive.read(parts[0])
    if findings := schema.check(source):
        return _blame(findings)
    options = head["release"]
    with _loaded(source) as chart:
        metadata, defaults = chart.metadata, chart.values
        if findings := _obstacles(chart, metadata, options):
            return _blame(findings)
        try:
            rendered = _rendered(chart, head["values"], options)
        except helm.HelmError as error:
            context = messages.Context(
                subject=f"The chart {metadata['name']!r}",
                name=metadata["name"],
                given=head["values"],
                known=defaults,
                values=_in_force(chart, head["values"]),
                text=lambda path: _template(source, path),
                section=head["section"],
            )
            return _blame(messages.render_failure(error.detail, context))
        definitions = [{"source": crd["filename"], "text": crd["data"]} for crd in chart.crds]
    try:
        plain, hooks = manifests.sort(rendered, _parsed)
    except manifests.NotManifest as fault:
        return _blame([_no_manifest(str(metadata["name"]), fault, head["values"], defaults)])
    reply: Head = {
        "chart": metadata["name"],
        "version": metadata.get("version", ""),
        "definitions": definitions,
        "manifests": plain,
        "hooks": hooks,
        "notes": manifests.notes(rendered, str(metadata["name"])),
    }
    return {**reply, "findings": []}, ()


def _lint(head: Head, parts: Parts, files: Files) -> _Answer:
    source = archive.read(parts[0])
    if findings := schema.check(source):
        return _blame(findings)
    with _loaded(source) as chart:
        name, defaults = chart.name, chart.values
        try:
            chart.validate_schema(head["values"])
        except helm.HelmError as error:
            context = messages.Context(
                subject=f"The chart {name!r}",
                name=name,
                given=head["values"],
                known=defaults,
                values={},
                text=lambda _: "",
            )
            findings = messages.render_failure(error.detail, context)
        findings += _linted(chart, head, defaults, files)
    return _blame(findings)


def _linted(
    chart: helm.Chart, head: Head, defaults: Mapping[str, Any], files: Files
) -> Iterator[Finding]:
    with files() as folder:
        try:
            chart.save_dir(folder)
            report = helm.lint(
                folder / chart.name,
                head["values"],
                namespace=head["namespace"] or None,
                kube_version=head["kubernetes"] or None,
                skip_schema_validation=True,  # done before, without a file or socket in reach
            )
        except helm.HelmError as error:
            yield found("helm.lint", error.detail.replace(f"{folder}/", ""))
            return
    for message in report["messages"]:
        told = masked(message["error"], head["values"], defaults)
        file = message["path"].removeprefix(f"{folder}/")
        yield found(_LINT.get(message["severity"], "helm.lint"), told, file=file)


def _verify(head: Head, parts: Parts, files: Files) -> _Answer:
    file = head["file"]
    if not _FILE.fullmatch(file):
        message = f"{file[:200]!r} is no name of a chart's archive."
        return _blame([found("helm.provenance", message, mend="Call it <name>-<version>.tgz.")])
    with files() as folder:
        archived, signature, keys = folder / file, folder / "signature", folder / "keyring"
        for path, content in zip((archived, signature, keys), parts, strict=True):
            path.write_bytes(binary(content) if path is keys else content)
        try:
            proved = helm.verify(archived, keys, provenance_file=signature)
        except helm.HelmError as error:
            reason = error.detail.replace(f"{folder}/", "").rstrip(".")
            message = f"The provenance file does not prove {file!r}: {reason}."
            return _blame([found("helm.provenance", message, file=file)])
    reply = {
        "file": proved["file_name"],
        "digest": proved["file_hash"],
        "signed_by": proved["signed_by"],
    }
    return {**reply, "findings": []}, ()


def _fill(head: Head, _: Parts, __: Files) -> _Answer:
    templates: list[Head] = head["templates"]
    if any(_SHARED.search(template["text"]) for template in templates):
        filled = [entry for template in templates for entry in _filled([template])]
    else:
        filled = _filled(templates)
    return {"filled": filled, "findings": []}, ()


def _filled(templates: Sequence[Head]) -> list[Head]:
    """Templates in one chart; where it does not render, its halves, down to the one at fault.

    Each is a partial, so that it is parsed as it stands, and a second template that calls it with
    the data as its root.
    """
    files = {"Chart.yaml": _TEMPLATE_CHART}
    for at, template in enumerate(templates):
        call = f'{{{{ template "t/templates/_{at}" index .Values.data {at} }}}}'
        files[f"templates/_{at}"] = template["text"].encode(errors="replace")
        files[f"templates/{at}"] = call.encode()
    try:
        with helm.Chart.load_archive(Source(files, {}).packed()) as chart:
            rendered = chart.render({"data": [template["data"] for template in templates]})
    except helm.HelmError as error:
        if len(templates) == 1:
            return [{"text": None, "findings": [_template_fault(templates[0], error.detail)]}]
        half = len(templates) // 2
        return _filled(templates[:half]) + _filled(templates[half:])
    return [{"text": rendered[f"t/templates/{at}"], "findings": []} for at in range(len(templates))]


def _template_fault(template: Head, detail: str) -> Head:
    values = template["data"].get("Values")
    context = messages.Context(
        subject=f"The template {template['name']!r}",
        name=template["name"],
        given=template["data"],
        known={},
        values=values if isinstance(values, dict) else {},
        text=lambda _: str(template["text"]),
        section=template["section"],
    )
    (fault,) = messages.render_failure(detail, context)
    return replace(fault, file=template["name"]).as_json()


def _read(head: Head, _: Parts, __: Files) -> _Answer:
    return {"streams": [_read_one(*stream) for stream in head["streams"]], "findings": []}, ()


def _read_one(source: str, text: str) -> Head:
    try:
        return {"manifests": list(manifests.read(source, text, _parsed)), "findings": []}
    except manifests.NotManifest as fault:
        message = f"{source} holds what is no manifest: {str(fault).rstrip('.')}."
        finding = found("helm.manifest", message, file=source)
        return {"manifests": None, "findings": [finding.as_json()]}


_JOBS: Mapping[str, Callable[[Head, Parts, Files], _Answer]] = {
    "load": _load,
    "render": _render,
    "lint": _lint,
    "verify": _verify,
    "fill": _fill,
    "read": _read,
}


def _loaded(source: Source) -> helm.Chart:
    try:
        return helm.Chart.load_archive(source.packed())
    except helm.HelmError as error:
        message = f"Helm does not take the chart: {error.detail.rstrip('.')}."
        raise Refused(found("helm.invalid", message)) from None


def _obstacles(
    chart: helm.Chart, metadata: Mapping[str, Any], options: Mapping[str, Any]
) -> list[Finding]:
    """Why Helm would not install the chart, whatever its templates give; Helm's program checks
    this around its engine."""
    name = metadata["name"]
    findings = []
    try:
        helm.validate_release_name(options["name"])
    except helm.HelmError as error:
        message = f"{options['name']!r} is no name of a release: {error.detail.rstrip('.')}."
        findings.append(found("helm.release", message))
    kind = metadata.get("type", "")
    if kind not in ("", "application"):
        message = f"{name!r} is a {kind} chart, which deploys nothing by itself."
        findings.append(found("helm.library", message))
    present = {dependency["name"] for dependency in chart.dependencies}
    wanted = [dependency["name"] for dependency in metadata.get("dependencies") or []]
    if missing := [str(dependency) for dependency in wanted if dependency not in present]:
        findings.append(
            found(
                "helm.dependency",
                f"Chart.yaml of {name!r} names subcharts that it does not hold: "
                f"{', '.join(missing)}.",
                mend="Run helm dependency build and package the chart again.",
                file=f"{name}/Chart.yaml",
            )
        )
    return findings or _kubernetes(metadata, options)


def _kubernetes(metadata: Mapping[str, Any], options: Mapping[str, Any]) -> list[Finding]:
    """Compared by the engine itself, as Helm compares: in a template of its own."""
    wanted = metadata.get("kubeVersion", "")
    text = (
        b"{{ $is := .Capabilities.KubeVersion }}{{ $is.Version }}\n"
        b"{{ with .Values.wanted }}{{ semverCompare . $is.String }}{{ end }}"
    )
    source = Source({"Chart.yaml": _TEMPLATE_CHART, "templates/a": text}, {})
    with helm.Chart.load_archive(source.packed()) as chart:
        try:
            told = _rendered(chart, {"wanted": wanted}, {"kubernetes": options["kubernetes"]})
        except helm.HelmInvalidArgError as error:
            version = options["kubernetes"]
            message = f"{version!r} is no version of Kubernetes: {error.detail.rstrip('.')}."
            return [found("helm.release", message, mend="Write it as 1.31.0.")]
        except helm.HelmError:
            told = {}  # a constraint that cannot be read fits no version
    version, _, fits = told.get("t/templates/a", "").partition("\n")
    if not wanted or fits == "true":
        return []
    return [
        found(
            "helm.kubernetes",
            f"The chart {metadata['name']!r} is made for Kubernetes {wanted}, not for "
            f"{version or options['kubernetes'] or 'this version'}.",
            mend="Name another Kubernetes version, or take another version of the chart.",
            file=f"{metadata['name']}/Chart.yaml",
            path="kubeVersion",
        )
    ]


def _rendered(
    chart: helm.Chart, values: Mapping[str, Any], options: Mapping[str, Any]
) -> dict[str, str]:
    """The SDK's own `render` knows no Kubernetes version, so this is the call below it."""
    wanted: Head = {
        "name": options.get("name", ""),
        "namespace": options.get("namespace", ""),
        "kube_version": options.get("kubernetes", ""),
        "api_versions": options.get("api_versions", []),
        "is_install": not options.get("upgrade", False),
        "is_upgrade": options.get("upgrade", False),
    }
    result = helm._native.call_string(  # noqa: SLF001
        "helm_render",
        chart._raw(),  # noqa: SLF001
        json.dumps(values),
        json.dumps(wanted),
    )
    rendered: dict[str, str] = json.loads(result)
    return rendered


def _in_force(chart: helm.Chart, values: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return chart.merge_values(dict(values))
    except helm.HelmError:
        return values


def _template(source: Source, path: str) -> str:
    """The text of a template by the path that Helm gives it, `chart/charts/sub/templates/a`."""
    head, *below = path.split("/charts/")
    files, prefix = source, ""
    for step in below:
        name = step.partition("/")[0]
        inside = _subchart(files, prefix, name)
        if inside is None:
            return ""
        files, prefix = inside
    inner = (below[-1] if below else head).partition("/")[2]
    return files.files.get(prefix + inner, b"").decode(errors="replace")


def _subchart(source: Source, prefix: str, name: str) -> tuple[Source, str] | None:
    """Where the files of the subchart `name` are: an archive or a folder called after it."""
    folder = f"{prefix}charts/{name}/"
    if f"{folder}Chart.yaml" in source.files:
        return source, folder
    for archived, inside in source.subcharts.items():
        if archived.startswith(f"{prefix}charts/{name}"):
            document = _parsed(inside.files.get("Chart.yaml", b"").decode(errors="replace"))
            if isinstance(document, dict) and document.get("name") == name:
                return inside, ""
    return None


def _parsed(text: str) -> object:
    """A YAML document as Helm reads it."""
    try:
        return helm.values_from_yaml(text)
    except helm.HelmError as error:
        raise ValueError(unquoted(error.detail)) from None


def _no_manifest(chart: str, fault: manifests.NotManifest, given: object, known: object) -> Finding:
    reason = masked(str(fault), given, known).rstrip(".")
    message = f"What a template of the chart {chart!r} gives is no manifest: {reason}."
    return found("helm.manifest", message, file=fault.source)


__all__ = ["answer", "warm_up"]
