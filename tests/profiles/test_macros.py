"""Macros: every example and every trap of the specification (macros.md)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from packyard.charts.template import Filled, Template
from packyard.findings import Severity
from packyard.packs.archive import read_archive
from packyard.packs.values import Document
from packyard.profiles.actions import Action, read
from packyard.profiles.cells import cells
from packyard.profiles.filling import Engine
from packyard.profiles.laid import LaidLayer, lay_out
from packyard.profiles.macros import check_macros
from packyard.profiles.model import Format, Manifest, PackType, Profile, ProfileLayer
from packyard.profiles.resolve import Resolution, resolve
from packyard.profiles.scope import Scope, macros_in_force
from packyard.profiles.system import SYSTEM_VALUES
from tests.profiles.samples import SYSTEM, layers, one, rules, variable

ROOT = Path(__file__).parent.parent.parent
SCOPE = Scope(
    SYSTEM,
    {"mode": "Immediate", "partner.id": "p-1"},
    {"replicas": "3", "ui-pull-policy": "Always", "empty": ""},
)


def resolved(engine: Engine, laid: list[LaidLayer], scope: Scope = SCOPE) -> tuple[str, Resolution]:
    """The text of the first layer, and everything."""
    result = resolve(laid, scope, engine)
    assert laid[0].values
    return result.document(laid[0].values).text, result


EXAMPLES = [
    ("{{ .spectro.system.user.name | upper }}", "ANN"),
    ("{{ .spectro.system.kubernetes.version | substr 0 4 }}", "1.28"),
    ('{{ .spectro.pack.kubernetes.version | default "1.19.0" }}', "1.19.0"),
    ("{{ .spectro.pack.kubernetes.version }}", ""),
    ('{{ default "1.19.0" .spectro.var.empty }}', "1.19.0"),
    ('{{ default "1.19.0" "" }}',) * 2,  # nothing of ours is in it
    ('{{ .spectro.system.cluster.name | replace "-" "_" }}', "edge_7"),
    ("{{ (semver .spectro.system.kubernetes.version).Minor }}", "28"),
    # names that are none in Go
    ("{{ .spectro.pack.edge-native-byoi.options.system.uri }}", "reg/img"),
    ("{{ .spectro.pack.edge-native-byoi.options.system.missing }}", ""),
    ("{{ .spectro.pack.k.kubeadmconfig.apiServer.extraArgs.oidc-issuer-url }}", "https://i"),
    ("{{ .spectro.var.ui-pull-policy }}", "Always"),
    ("{{.spectro.macro.mode}}", "Immediate"),
    ("{{ .spectro.macro.partner.id }}", "p-1"),
    ("{{.spectro.system.user.name }}", "ann"),
    ("{{ $.spectro.system.user.name }}", "ann"),
    # several in one text, and text around them
    (
        "{{ .spectro.pack.k.foreign }}/{{.spectro.macro.mode}}:{{ .spectro.var.replicas }}-x",
        "{{ .Values.x }}/Immediate:3-x",
    ),
    ("v{{ .spectro.system.kubernetes.version }}", "v1.28.3"),
    # types of values: what Go prints
    ("{{ .spectro.pack.k.types.number }} {{ .spectro.pack.k.types.large }}", "3 1000000000"),
    ("{{ .spectro.pack.k.types.large | quote }}", '"1000000000"'),
    (
        '{{ ternary "on" "off" .spectro.pack.k.types.flag }} {{ .spectro.pack.k.types.flag }}',
        "on true",
    ),
    ("[{{ .spectro.pack.k.types.nothing }}]", "[]"),
    ('{{ .spectro.pack.k.types.nothing | default "d" }}', "d"),
    ('{{ .spectro.pack.k.types.list | join "," }}', "a,1.28.3"),
    # trim marks act on the text around
    ("a  {{- .spectro.system.user.name -}}  b", "aannb"),
    # what is not ours stays, beside what is
    (
        "{{ .Values.x }}{{ .spectro.system.user.name }}{{- $key -}} {{",
        "{{ .Values.x }}ann{{- $key -}} {{",
    ),
    ('{{ "{{ .spectro.system.user.name }}" }}', '{{ "{{ .spectro.system.user.name }}" }}'),
    ("{{ .Values.spectro.system.x }}", "{{ .Values.spectro.system.x }}"),
    ("{{ it's {{ .spectro.system.user.name }}", "{{ it's ann"),
    ('{{ ".spectro.var.absent" }}',) * 2,
    ("{{- /* .spectro.system.user.name */ -}}{{/* .spectro.var.absent */}}",) * 2,
    # what is put in place is not read again
    ("{{ .spectro.pack.k.foreign }}", "{{ .Values.x }}"),
    # known later, or by nobody
    ("a {{ .spectro.system.cluster.uid }}", "a {{ .spectro.system.cluster.uid }}"),
    ("{{ .spectro.var.absent }}", "{{ .spectro.var.absent }}"),
    ("{{.spectro.app.$appDeploymentName-mongodb.PASSWORD}}",) * 2,
]


def test_every_example_gives_its_result(engine: Engine) -> None:
    others = {
        "edge_native_byoi": "options:\n  system.uri: reg/img\n  system.registry: reg\n",
        "k": (
            "kubeadmconfig:\n  apiServer:\n    extraArgs:\n      oidc-issuer-url: https://i\n"
            "types: {number: 3, large: 1000000000, flag: true, nothing: null,"
            " list: [a, '{{ .spectro.system.kubernetes.version }}']}\n"
            "foreign: '{{ .Values.x }}'\n"
        ),
    }
    written = Document.empty()
    for index, (text, _) in enumerate(EXAMPLES):
        written = written.set((f"k{index}",), text)
    text, _ = resolved(engine, layers(mine=written.text, **others))
    document, findings = Document.parse(text)
    assert document, findings
    assert list(document.data.values()) == [result for _, result in EXAMPLES]


def test_the_first_characters_of_a_version_are_just_that(engine: Engine) -> None:
    laid = layers(a="v: '{{ .spectro.system.kubernetes.version | substr 0 4 }}'\n")
    assert resolved(engine, laid, Scope({"kubernetes.version": "1.9.14"}))[0] == "v: '1.9.'\n"


def test_an_action_may_run_over_line_ends_and_hold_escaped_quotes(engine: Engine) -> None:
    laid = layers(
        a="labels: >-\n  v{{\n  .spectro.system.kubernetes.version | substr 0 4 }}\n"
        'quoted: "{{ .spectro.pack.b.none | default \\"1.19.0\\" }}"\n',
        b="x: 1\n",
    )
    text, _ = resolved(engine, laid)
    assert Document.parse(text)[0].data == {"labels": "v1.28", "quoted": "1.19.0"}  # type: ignore[union-attr]


def test_comments_are_never_uses_and_never_replaced(engine: Engine) -> None:
    source = (
        "# clientConfig: '{{ .spectro.var.secret }}'\n"
        "a: 1  # {{ .spectro.macro.none }}\n"
        "b: '{{.spectro.system.user.name}}'  # {{.spectro.var.secret}}\n"
    )
    laid = layers(a=source)
    scope = Scope(SYSTEM, {}, {"secret": "s3cret"})
    assert check_macros(laid, cells(laid), scope, []) == []
    assert resolved(engine, laid, scope)[0] == source.replace(
        "'{{.spectro.system.user.name}}'", "'ann'"
    )


def test_a_result_is_quoted_so_that_it_cannot_become_keys(engine: Engine) -> None:
    evil = "x'\ninjected: true\n\"# "
    laid = layers(
        a="single: '{{.spectro.var.v}}'\ndouble: \"{{.spectro.var.v}}\"\n"
        "plain: a{{ .spectro.var.v }}\nblock: |\n  {{ .spectro.var.v }}\n"
    )
    text, _ = resolved(engine, laid, Scope(variables={"v": evil}))
    document, _ = Document.parse(text)
    assert document
    assert document.data == {
        "single": evil,
        "double": evil,
        "plain": f"a{evil}",
        "block": f"{evil}\n",
    }


def test_a_whole_reference_stays_a_text(engine: Engine) -> None:
    laid = layers(a='replicas: "{{.spectro.var.replicas}}"\nplain: v{{ .spectro.var.replicas }}\n')
    text, result = resolved(engine, laid)
    assert text == 'replicas: "3"\nplain: v3\n'
    assert laid[0].values
    assert result.data(laid[0].values) == {"replicas": "3", "plain": "v3"}
    number = variable("replicas", format=Format.NUMBER)
    found = check_macros(laid, cells(laid), SCOPE, [number])
    assert (one(found, "variable.text").line, rules(found)) == (1, ["variable.text"])


def test_chains_are_followed_between_packs_and_inside_one(engine: Engine) -> None:
    laid = layers(
        a="x: '<{{ .spectro.pack.b.v }}>'\n",
        b="v: '{{ .spectro.pack.b.deep.z | upper }}'\ndeep:\n  z: '{{ .spectro.pack.c.w }}!'\n",
        c="w: '{{ .spectro.system.user.name }}'\n",
    )
    assert resolved(engine, laid)[0] == "x: '<ANN!>'\n"


def test_what_depends_on_something_unknown_stays_as_it_is_written(engine: Engine) -> None:
    laid = layers(
        a="x: '{{ .spectro.pack.b.v }}'\nz: '{{ .spectro.system.user.name }}'\n",
        b="v: 'n-{{.spectro.system.cluster.uid}}'\n",
    )
    text, result = resolved(engine, laid)
    assert text == "x: '{{ .spectro.pack.b.v }}'\nz: 'ann'\n"
    assert [str(cell) for cell in result.kept] == ["v", "x"]


def test_a_circle_is_shown_and_breaks_nothing_else(engine: Engine) -> None:
    laid = layers(
        a="x: '{{ .spectro.pack.b.v }}'\nok: '{{ .spectro.system.user.name }}'\n"
        "self: 'a{{ .spectro.pack.a.self }}'\n",
        b="v: '{{ .spectro.pack.c.deep }}'\n",
        c="deep:\n  z: '{{ .spectro.pack.a.x }}'\n",
    )
    text, result = resolved(engine, laid)
    assert "ok: 'ann'" in text
    assert "x: '{{ .spectro.pack.b.v }}'" in text
    messages = sorted(finding.message for finding in result.findings)
    assert messages == [
        "Values refer to each other in a circle: a: self → a: self.",
        "Values refer to each other in a circle: a: x → b: v → c: deep.z → a: x.",
    ]
    assert {(finding.rule, finding.layer, finding.line) for finding in result.findings} == {
        ("macro.cycle", "a", 1),
        ("macro.cycle", "a", 3),
    }


def test_keys_hold_dots_and_the_longest_one_counts(engine: Engine) -> None:
    laid = layers(
        a="x: '{{ .spectro.pack.b.o.system.registry }} {{ .spectro.pack.b.o.system.port.x }}'\n",
        b="o:\n  system.registry: long\n  system:\n    registry: short\n    port.x: '1'\n"
        "  system.port: 2\n",
    )
    assert resolved(engine, laid)[0] == "x: 'long 1'\n"


def test_a_layer_is_meant_by_its_own_name_its_pack_or_itself(engine: Engine) -> None:
    made = [
        ProfileLayer(name="day--web", values="is: day\nme: '{{ .spectro.pack.web.is }}'\n"),
        ProfileLayer(name="night--web", values="is: night\nme: '{{ .spectro.pack.web.is }}'\n"),
        ProfileLayer(
            name="x", values="a: '{{ .spectro.pack.web.is }} {{ .spectro.pack.night--web.is }}'\n"
        ),
    ]
    laid = lay_out(Profile(name="p", layers=tuple(made)), [None] * 3)
    result = resolve(laid, SCOPE, engine)
    data = [result.data(layer.values) for layer in laid if layer.values]
    assert data == [{"is": "day", "me": "day"}, {"is": "night", "me": "night"}, {"a": "day night"}]


def test_the_projects_macros_shadow_the_tenants_and_those_the_systems() -> None:
    force = macros_in_force({"a": "p"}, {"a": "t", "b": "t"}, {"a": "s", "b": "s", "c": "s"})
    assert force == {"a": "p", "b": "t", "c": "s"}


def test_keys_and_attached_manifests_hold_macros_too(engine: Engine) -> None:
    manifest = Manifest(
        name="m",
        content="kind: A\nto: '{{ .spectro.system.user.name }}'\n---\n# two\n---\n"
        "kind: B\nto: x{{ .spectro.var.none }}\n",
    )
    layer = ProfileLayer(
        name="m",
        type=PackType.MANIFEST,
        values="pack:\n  namespaceLabels:\n    '{{ .spectro.system.user.name }}': a=b\n",
        manifests=(manifest,),
    )
    laid = lay_out(Profile(name="p", layers=(layer,)), [None])
    result = resolve(laid, SCOPE, engine)
    assert laid[0].values
    assert result.document(laid[0].values).text == "pack:\n  namespaceLabels:\n    'ann': a=b\n"
    assert [result.document(part).data["to"] for part in laid[0].manifests] == [
        "ann",
        "x{{ .spectro.var.none }}",
    ]
    finding = one(check_macros(laid, cells(laid), SCOPE, []), "variable.undefined")
    assert (finding.layer, finding.file, finding.path, finding.line, finding.column) == (
        "m",
        "m",
        "to",
        7,
        9,
    )


# Findings.

SYSTEM_NAME = ".spectro.system.user.name"
REPEATABLE = "Write the value itself."
TERNARY = 'Write {{ ternary "a" "b" (eq … …) }}, or `default`.'
PIPED = "Apply it to a macro or to a value of a layer, or give the variable its result."
FAULTS = [
    (".spectro.macro.mod", "macro.unknown", "Did you mean 'mode'?"),
    (".spectro.var.replica", "variable.undefined", "Did you mean 'replicas'?"),
    (
        ".spectro.system.kunernetes.version",
        "macro.system-unknown",
        "Did you mean 'kubernetes.version'?",
    ),
    (".spectro.system.cluster.uid", "macro.deployment", ""),
    (".spectro.system.aws.region", "macro.deployment", ""),
    (".spectro.packs.b.x", "macro.family-unknown", "Did you mean 'pack'?"),
    (".spectro.pack.bb.x", "macro.pack-absent", "The layers are a, b."),
    (".spectro.pack.b.deep.valeu", "macro.pack-absent", "Did you mean 'deep.value'?"),
    (".spectro.pack.b", "macro.pack-absent", "Name a value: .spectro.pack.b.…"),
    (".spectro.pack.b.deep", "macro.structure", "Name a value below it, or use toYaml."),
    (".spectro.app.$appDeploymentName-db.PASSWORD", "macro.app", "Remove it."),
    (".spectro.system.appprofile.name", "macro.app", "Remove it."),
    (f"{SYSTEM_NAME} | randAlpha 3", "macro.function", REPEATABLE),
    (f'date "2006" {SYSTEM_NAME}', "macro.function", REPEATABLE),
    (f'include "a" {SYSTEM_NAME}', "macro.function", REPEATABLE),
    (f"if {SYSTEM_NAME} }}}}x{{{{ end", "macro.syntax", TERNARY),
    (f"{SYSTEM_NAME} }} x {{ y", "macro.syntax", "Write {{ … }}."),
    (".spectro.var.replicas | upper", "variable.piped", PIPED),
]


@pytest.mark.parametrize(("text", "rule", "mend"), FAULTS, ids=[row[0] for row in FAULTS])
def test_each_fault_is_found_with_its_place(text: str, rule: str, mend: str) -> None:
    text = f"{{{{ {text} }}}}" if "} x {" not in text else f"{{{{ {text}"
    laid = layers(a=f"# one\nkey:\n  - |\n    {text}\n", b="deep:\n  value: 1\n")
    variables = [variable("replicas"), variable("ui-pull-policy")]
    (finding,) = (
        finding
        for finding in check_macros(laid, cells(laid), SCOPE, variables)
        if finding.rule != "variable.unused"
    )
    assert (finding.rule, finding.mend, finding.layer, finding.line) == (rule, mend, "a", 4)
    assert (finding.path, finding.column) == ("key[0]", 5 + text.index(".spectro."))


def test_failures_of_the_engine_name_the_expression_and_no_secret(engine: Engine) -> None:
    laid = layers(
        a="syntax: '{{ .spectro.system.user.name | nosuch }}'\n"
        "failed: '{{ semver .spectro.var.secret }}'\n"
        "fine: '{{ .spectro.system.user.name | upper }}'\n"
    )
    text, result = resolved(engine, laid, Scope(SYSTEM, {}, {"secret": "s3cret-word"}))
    assert "fine: 'ANN'" in text
    assert "semver .spectro.var.secret" in text
    syntax, failed = result.findings
    assert (syntax.rule, syntax.line, syntax.column) == ("macro.syntax", 1, 13)
    assert 'function "nosuch" not defined' in syntax.message
    assert (failed.rule, failed.path) == ("macro.failed", "failed")
    assert "<semver .spectro.var.secret>" in failed.message
    assert "s3cret" not in str(result.findings)


def test_an_expression_is_read_though_its_values_are_not_known(engine: Engine) -> None:
    laid = layers(
        a="syntax: '{{ .spectro.system.cluster.uid | nosuch }}'\n"
        "late: '{{ .spectro.pack.a.syntax | upper | alsonot }}'\n"
        "fine: '{{ .spectro.var.absent | upper }}'\n"
    )
    text, result = resolved(engine, laid)
    assert text == laid[0].layer.values
    found = [(one.rule, one.line, one.column) for one in result.findings]
    assert found == [("macro.syntax", 1, 13), ("macro.syntax", 2, 11)]


def test_values_that_refer_to_others_twice_have_an_end(engine: Engine) -> None:
    twice = "".join(
        f"k{n}: '{{{{ .spectro.pack.a.k{n + 1} }}}}{{{{ .spectro.pack.a.k{n + 1} }}}}'\n"
        for n in range(40)
    )
    _, result = resolved(engine, layers(a=f"{twice}k40: end\n"))
    (finding,) = result.findings
    assert (finding.rule, finding.line) == ("macro.failed", 20)
    assert "is too many" in finding.message
    assert sum(map(len, result.texts.values())) < 16 * 2**20


def test_more_references_than_anybody_writes_are_not_looked_at(engine: Engine) -> None:
    references = "  {{ .spectro.var.none }}\n" * 20_001
    laid = layers(a="a: '{{ .spectro.system.user.name }}'\n", b=f"block: |\n{references}")
    began = time.process_time()
    result = resolve(laid, SCOPE, engine)
    assert time.process_time() - began < 0.5
    (finding,) = result.findings
    assert (finding.rule, finding.severity) == ("macro.too-many", Severity.REFUSE)
    assert "20002 references" in finding.message
    assert (cells(laid), result.texts) == ([], {})


def test_an_expression_that_eats_the_engine_is_named_and_ends(engine: Engine) -> None:
    laid = layers(
        a="a: '{{ .spectro.system.user.name | upper }}'\n"
        "b: '{{ repeat 2000000000 .spectro.system.user.name }}'\n"
        "c: '{{ .spectro.system.user.name | lower }}'\n"
    )
    text, result = resolved(engine, laid)
    assert "a: 'ANN'" in text
    assert [(finding.rule, finding.path) for finding in result.findings] == [
        ("macro.failed", "b"),
        ("macro.failed", "c"),
    ]


def test_variables_stand_where_they_are_replaced() -> None:
    laid = layers(
        a="pack:\n  content:\n    images:\n      - image: '{{.spectro.var.v}}'\n"
        "options:\n  system.uri: '{{.spectro.var.v}}{{.spectro.macro.mode}}'\n"
    )
    found = check_macros(laid, cells(laid), SCOPE, [variable("v"), variable("w")])
    assert rules(found) == ["variable.place", "variable.place", "variable.unused"]
    assert found[-1].path == "variables[1]"


def test_an_expression_without_quotes_is_said_so_and_read_all_the_same() -> None:
    source = (
        "a: {{.spectro.var.x}}\nb:\n  - {{ .spectro.var.y }}-b  # c\nc: v{{ .spectro.var.z }}\n"
        "d: {{ .Values.q }}\n"
    )
    (layer,) = layers(a=source)
    assert layer.values is None
    found = [(finding.rule, finding.line, finding.column) for finding in layer.findings]
    assert found == [("macro.unquoted", 1, 4), ("macro.unquoted", 3, 5), ("yaml.key", 5, 5)]
    assert all("single quotes" in finding.mend for finding in layer.findings[:2])
    (layer,) = layers(a=source.replace("d: {{ .Values.q }}\n", ""))
    assert layer.values
    assert [
        reference.name
        for cell in cells([layer])
        for action in cell.actions
        for reference in action.references
    ] == ["x", "y", "z"]


# The values of real packs.


def test_actions_of_others_stay_byte_for_byte_in_all_real_values(
    engine: Engine, real_packs: Path
) -> None:
    """All packs as layers of one profile: what is not ours stays, beside what is resolved."""
    made = []
    for archive in sorted(real_packs.glob("*.tar.gz")):
        with archive.open("rb") as stream:
            text = read_archive(stream)["values.yaml"].data.decode()
        assert "".join(p if isinstance(p, str) else p.text for p in read(text)) == text
        made.append(ProfileLayer(name=archive.name.removesuffix(".tar.gz"), values=text))
    laid = lay_out(Profile(name="p", layers=tuple(made)), [None] * len(made))
    result = resolve(laid, Scope(SYSTEM), engine)
    foreign = ours = 0
    for layer in laid:
        assert layer.values, layer.findings
        before = layer.values.document.text
        after = result.document(layer.values).text
        mine = {
            action.text
            for cell in result.cells.get(id(layer.values), ())
            for action in cell.actions
        }
        ours += len(mine)
        foreign += before.count("{{") - sum(before.count(text) for text in mine)
        if not mine:
            assert after == before
        lines = set(after.splitlines())
        assert all(
            line in lines
            for line in before.splitlines()
            if not any(text in line for text in mine) and "{{" in line
        )
    assert ours == 6
    assert foreign > 60


def test_names_of_any_length_are_looked_up_at_once(engine: Engine) -> None:
    name = ".spectro.pack.a." + "a." * 20_000
    laid = layers(a=f"a: '{{{{ {name}b }}}}{{{{ .spectro.pack.{'x' * 20_000}.y }}}}'\n")
    found = [*check_macros(laid, cells(laid), SCOPE, []), *resolved(engine, laid)[1].findings]
    assert rules(found) == ["macro.pack-absent"] * 2
    assert all(len(finding.message) < 300 for finding in found)


def test_equal_expressions_are_filled_once(engine: Engine) -> None:
    asked: list[int] = []

    def counting(templates: Sequence[Template]) -> Sequence[Filled]:
        asked.append(len(templates))
        return engine(templates)

    users = "".join(f"u{n}: '{{{{ .spectro.system.user.name | upper }}}}'\n" for n in range(50))
    text, _ = resolved(
        counting, layers(a=users + "x: '{{ .spectro.system.user.name | nosuch }}'\n")
    )
    assert (asked, text.count("'ANN'")) == ([2], 50)


def test_reading_takes_linear_time() -> None:
    for hostile in (
        '{{"' * 100_000,
        "{{`" * 100_001,
        "{{ .spectro." * 50_000,
        '{{ "' + "\\" * 99_999,
    ):
        assert not any(isinstance(piece, Action) for piece in read(hostile))


def test_resolving_takes_time_by_length_however_much_refers_to_the_same(engine: Engine) -> None:
    many = 3_000
    keys = "".join(f"  k{n}: '{{{{ .spectro.system.user.name }}}}'\n" for n in range(many))
    users = "".join(f"u{n}: 'x{{{{ .spectro.pack.a.all.k{n} }}}}'\n" for n in range(many))
    block = "  {{ .spectro.var.none }}\n" * many
    laid = layers(a=f"all:\n{keys}", b=users, c=f"block: |\n{block}")
    result = resolve(laid, SCOPE, engine)
    assert laid[1].values
    assert result.data(laid[1].values) == {f"u{n}": "xann" for n in range(many)}
    found = check_macros(laid, cells(laid), SCOPE, [])
    assert [finding.line for finding in found] == list(range(2, many + 2))


def test_expressions_cannot_be_given_more_than_a_limit(engine: Engine) -> None:
    large = f"all:\n  big: {'x' * 200_000}\n"
    users = "".join(f"u{n}: '{{{{ .spectro.pack.a.all | toYaml }}}}'\n" for n in range(120))
    result = resolve(layers(a=large, b=users), SCOPE, engine)
    assert {finding.rule for finding in result.findings} == {"macro.failed"}
    assert 0 < len(result.findings) < 120


def test_the_page_on_macros_lists_every_system_value() -> None:
    page = (ROOT / "docs" / "macros.md").read_text(encoding="utf-8")
    rows = "".join(f"| `{name}` | {meaning} |\n" for name, meaning in SYSTEM_VALUES.items())
    assert rows in page
