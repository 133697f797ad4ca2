"""Every rule that a pack is held to: its id, how much it weighs, what it means.

Nothing else gives a finding its severity, so the table, the findings and `docs/lint-rules.md`
cannot drift apart. A push refuses the rules of severity `refuse` and no other (format
specification, "What a push refuses").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from packyard.findings import Rule, Rules, Severity

_NEAR = 0.8

_REFUSE = {
    "pack-json.missing": "The pack has no pack.json.",
    "pack-json.syntax": "pack.json is not JSON in UTF-8.",
    "pack-json.duplicate-key": "A key stands twice in one object, so readers would differ.",
    "pack-json.type": "A property has another type than the format says.",
    "pack-json.required": "A required property is missing or blank.",
    "pack-json.name-form": "The name cannot be part of a repository's name.",
    "pack-json.layer-unknown": "The layer is none of the six that exist.",
    "pack-json.version-form": "The version cannot be a tag, or is spelt as a parent tag.",
    "pack-json.group-form": "The group cannot stand at the front of a tag.",
    "pack-json.path": "A named file would lie outside the folder.",
    "files.path": "A file's path is absolute, leaves the folder, or cannot be written everywhere.",
    "files.link": "A link; packs hold files, and a link could lead out of the folder.",
    "files.special": "A device, pipe or socket, which no pack holds.",
    "files.duplicate": "An archive holds one path twice, or a file where it needs a folder.",
    "files.too-large": "A folder exceeds the limits of size or number of files.",
    "files.named-missing": "A file that pack.json names is missing (a warning if that is allowed).",
    "archive.format": "The archive is no tar file, gzipped or plain.",
    "archive.nested": "The archive was gzipped twice.",
    "archive.truncated": "The archive ends in the middle.",
    "archive.damaged": "The archive contradicts itself: checksums, numbers, headers.",
    "archive.trailing": "Something other than zeros follows the archive's end.",
    "archive.too-large": "The archive exceeds the limits of size, number of files or expansion.",
    "archive.special": "The archive holds a kind of member that no pack holds.",
    "archive.root": "It is not clear which folder of the archive is the pack.",
    "yaml.encoding": "A YAML file is not UTF-8, or holds a character that YAML forbids.",
    "yaml.syntax": "A YAML file cannot be parsed.",
    "yaml.documents": "A YAML file holds several documents where Helm reads only the first.",
    "yaml.duplicate-key": "A key stands twice in one map, so readers would differ.",
    "yaml.key": "A key that Helm does not take: a map, a list, null.",
    "yaml.scalar": "A value that contradicts its tag, or has no form in JSON.",
    "yaml.root": "The whole of a YAML file is not a map.",
    "yaml.too-large": "A YAML file exceeds the limits of size, nesting or expansion of aliases.",
    "chart.missing": "An archive pushed as a chart holds no Chart.yaml in its top folder.",
    "chart.name": "Chart.yaml of a pushed chart has no name, or one that Helm refuses.",
    "chart.version": "Chart.yaml of a pushed chart has no version, or one that Helm refuses.",
    "chart.metadata": "Chart.yaml of a pushed chart says something that Helm cannot read.",
    "chart.file": "The name of a pushed file speaks of another chart than it holds.",
    "chart.provenance": "A provenance file is none, or was made for another chart.",
}

_WARNING = {
    "pack-json.bom": "pack.json begins with a byte order mark, which some readers refuse.",
    "pack-json.version-leading-v": "The version begins with a `v`.",
    "pack-json.version-unordered": "The version is none, so it sorts below all and has no parents.",
    "pack-json.label-ambiguous": "Group and version make a tag that splits elsewhere.",
    "pack-json.addon-type-missing": "An add-on pack has no addonType.",
    "pack-json.cloud-types-missing": "Neither cloudTypes nor cloudType is given.",
    "pack-json.cloud-type-unknown": "A cloud type that does not exist.",
    "pack-json.eol-form": "eol is no date of the form YYYY-MM-DD.",
    "pack-json.annotation-value": "An annotation of known meaning has a value without one.",
    "pack-json.nothing-to-deploy": "An add-on, network or storage pack names nothing to deploy.",
    "pack-json.path-repeated": "One path is named twice.",
    "pack-json.key-unknown": "A key looks like a known one, misspelt.",
    "constraints.incomplete": "A constraint lacks what it needs to bind anything.",
    "constraints.type-missing": "A dependency has no type and is treated as `optional`.",
    "constraints.word-unknown": "A layer, type or scheduleType that does not exist.",
    "constraints.itself": "A pack depends on itself other than by `upgrade`.",
    "constraints.bound-form": "A bound is no version, so it is not checked.",
    "constraints.bounds-crossed": "The lower bound stands above the upper one.",
    "constraints.without-bounds": "A `notSupported` without bounds is skipped.",
    "constraints.param-absent": "A component refers to a value that values.yaml does not hold.",
    "files.values-missing": "The pack has no values.yaml.",
    "files.readme-missing": "The pack has no README.md.",
    "files.logo-missing": "The pack has no logo.png.",
    "files.logo-form": "logo.png is no PNG picture.",
    "files.case": "Two paths differ in case only.",
    "charts.packaged": "A named chart is there only as a folder; who reads the pack packages it.",
    "charts.unreadable": "A named chart is no chart that Helm could load.",
    "charts.unreferenced": "A chart archive lies in charts/ and pack.json does not name it.",
    "charts.folder-differs": "The unpacked chart has another name or version than its archive.",
    "charts.name-repeated": "Two charts have one name, so they share one section of values.",
    "charts.section-unknown": "A section under `charts` belongs to no chart and reaches none.",
    "charts.value-unread": "A value is given to a chart, and no template of it reads that.",
    "charts.unrepeatable": "A template gives something else each time it is rendered.",
    "manifests.section-unknown": "A section under `manifests` belongs to no manifest.",
    "manifests.unrepeatable": "A manifest gives something else each time it is rendered.",
    "manifests.name-repeated": "Two manifests have one base name, so they share one section.",
    "manifests.syntax": "A manifest that is applied as it stands is not YAML.",
    "values.type": "A value of known meaning has another type than it must.",
    "values.namespace-form": "A namespace that Kubernetes does not take.",
    "values.install-priority": "The install priority is no whole number.",
    "values.pairs-form": "Labels or annotations are not written `key=value,key=value`.",
    "values.key-unknown": "A key of values.yaml looks like a known one, misspelt.",
    "content.key-unknown": "An entry of `pack.content` lacks the key that is read.",
    "content.image-form": "An image reference that no registry takes.",
    "content.image-without-tag": "An image without tag or digest; what it means changes.",
    "content.image-latest": "An image with the tag `latest`; what it means changes.",
    "images.unlisted": "The pack runs images that `pack.content.images` does not list.",
    "schema.entry": "An entry of schema.yaml is no path with a template, so it binds nothing.",
    "schema.template": "A template of schema.yaml cannot be understood, so it binds nothing.",
    "schema.format": "A format of schema.yaml cannot be understood, so it binds nothing.",
    "schema.regex": "A format holds a regular expression that RE2 refuses.",
    "presets.form": "A preset lacks what it needs to be chosen, so it is left out.",
    "presets.name-repeated": "Two presets have one name, so only the first can be chosen.",
    "presets.remove-form": "A preset removes something that is no path.",
    "presets.add-form": "What a preset adds is no YAML map.",
    "resource.unreadable": "A request or number of replicas is no quantity, so it is not counted.",
    "presets.enabled-unknown": "The comment on enabled presets names one that does not exist.",
}
_BLOCK = {
    "parameter.required": "A value that the schema requires is absent or empty.",
    "parameter.readonly": "A value that the schema makes read-only was changed.",
    "parameter.format": "A value does not match the format that the schema gives.",
    "dependency.missing": "A pack that another one requires is not there.",
    "dependency.version": "A pack is there in a version that another one does not go with.",
    "dependency.unsupported": "A pack is there that another one does not go with.",
    "resource.insufficient": "A pool of nodes has less than a pack needs.",
}
_HINT = {
    "pack-json.version-not-semver": "The version is not semantic versioning by the letter.",
    "pack-json.addon-type-unused": "addonType in a pack that is no add-on.",
    "pack-json.cloud-type-redundant": "`all` stands beside other cloud types.",
    "pack-json.blank": "A property holds blanks only, which count as absent.",
    "files.stray": "A file that a desktop, editor or merge left behind.",
    "charts.section-missing": "A chart has no section in values.yaml, so nobody sees its values.",
    "manifests.unreferenced": "A manifest that pack.json does not name.",
    "manifests.unrendered": "A manifest uses .Values, but has no section, so it stays as it is.",
    "values.key-unused": "Keys at the top of values.yaml that reach no chart and no manifest.",
    "values.release-unknown": "releaseNameOverride names a chart that the pack does not hold.",
    "content.image-without-host": "An image without registry host; which one is meant depends.",
    "images.unused": "A listed image is run by nothing that the pack's own values render.",
    "schema.path-absent": "A path of schema.yaml that values.yaml does not hold.",
    "presets.remove-absent": "A preset removes a path that is nowhere, so nothing happens.",
    "presets.enabled-contradicted": "The values are not those of a preset noted as enabled.",
}

RULES = Rules(refuse=_REFUSE, block=_BLOCK, warning=_WARNING, hint=_HINT)
found = RULES.found


def near(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, in its own spelling; "" for none."""
    word = word.strip().lower()
    spelling = {text.lower(): text for text in known}
    alike = [text for text in spelling if _may_be_near(word, text)]
    matches = get_close_matches(word, alike, n=1, cutoff=_NEAR) if alike else []
    return spelling[matches[0]] if matches else ""


def _may_be_near(word: str, known: str) -> bool:
    """Whether they share enough letters: a bound that takes no time, for many words."""
    both = len(word) + len(known)
    if 2 * min(len(word), len(known)) < _NEAR * both:
        return False
    return 2 * sum(letter in word for letter in known) >= _NEAR * both


def as_page(others: Mapping[str, Rule]) -> str:
    """The table as a page of the documentation, `docs/lint-rules.md`, with the rules of others."""
    lines = [
        "# Lint rules",
        "",
        "What Packyard finds in packs and profiles, each with file, line and a way to mend it. A",
        "push refuses what has the severity `refuse` and nothing else; `block` keeps a profile",
        "from being published. `packyard pack lint --strict` fails on warnings, too. The",
        "rules `helm.…` hold for a chart that is loaded, rendered or verified; the rules",
        "`profile.…`, `layer.…`, `manifest.…`, `macro.…` and `variable.…` for a profile. This page",
        "is made from the tables in `packyard.packs.rules`, `packyard.charts.rules` and",
        "`packyard.profiles.rules`.",
    ]
    rules = {**RULES, **others}
    for severity in Severity:
        rows = [
            f"| `{rule}` | {meaning} |" for rule, (of, meaning) in rules.items() if of is severity
        ]
        if rows:
            lines += [
                "",
                f"## {severity.capitalize()}",
                "",
                "| rule | meaning |",
                "|---|---|",
                *rows,
            ]
    return "\n".join(lines) + "\n"
