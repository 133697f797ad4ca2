"""The whole check of a profile (profiles.md, "Checks")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from packyard.findings import Finding, Severity
from packyard.packs.constraints import Pool
from packyard.packs.model import Component, Constraints, Dependency, Layer, Resource
from packyard.profiles.actions import Family
from packyard.profiles.cells import cells, names_used
from packyard.profiles.check import check, publishable, resolved_values
from packyard.profiles.content import Content, Missing, PackContent
from packyard.profiles.filling import Engine
from packyard.profiles.laid import lay_out
from packyard.profiles.model import Manifest, PackType, Profile, ProfileLayer, ProfileType, Variable
from tests.profiles.samples import content, of, one, rules, variable

OS = content("ubuntu", "os", "24.4.4", clouds=["edge-native", "aws"])
K8S = content("kubernetes", "k8s", "1.36.3", values="pack:\n  podCIDR: 10.0.0.0/16\n")
CNI = content("flannel", "cni", "0.28.5")
CSI = content("local-path", "csi", "0.0.36")
APP = content("app", "addon", "1.0.0", values="charts:\n  engine:\n    replicas: 2\n")
FULL = (OS, K8S, CNI, CSI, APP)


def profile(*layers: ProfileLayer, **changes: Any) -> Profile:
    given: dict[str, Any] = {"name": "p", "cloud_type": "edge-native", "layers": layers}
    return Profile(**(given | changes))


def checked(
    engine: Engine, *packs: PackContent, layers: Sequence[ProfileLayer] = (), **changes: Any
) -> list[Finding]:
    """What is found in a profile of these packs, or of `layers` that hold them."""
    made = layers or [of(pack) for pack in packs]
    return check(profile(*made, **changes), packs, macros={}, engine=engine)


def test_a_good_profile_has_nothing_to_mend(engine: Engine) -> None:
    assert checked(engine, *FULL) == []
    assert checked(engine, OS, K8S, CNI, type=ProfileType.INFRA) == []
    assert checked(engine, APP, type=ProfileType.ADDON, cloud_type="all") == []


STRUCTURE: list[tuple[tuple[PackContent, ...], dict[str, Any], list[str]]] = [
    ((), {}, ["profile.empty"]),
    (FULL, {"name": " "}, ["profile.name-missing"]),
    (FULL, {"name": "a\nb"}, ["profile.name-form"]),
    (FULL, {"name": " a"}, ["profile.name-form"]),
    (FULL, {"name": "a" * 256}, ["profile.name-form"]),
    (FULL, {"version": "v1.2"}, ["profile.version-form"]),
    (FULL, {"version": "1.2.0-rc.1"}, []),
    (FULL, {"cloud_type": ""}, ["profile.cloud-missing"]),
    (FULL, {"cloud_type": "edge-nativ"}, ["profile.cloud-unknown", "layer.cloud"]),
    (FULL, {"cloud_type": "maas"}, ["layer.cloud"]),
    ((OS, K8S, CNI, APP), {"cloud_type": "aws"}, ["profile.layer-missing"]),
    ((OS, K8S, CNI, APP), {"cloud_type": "edge-native"}, []),
    ((APP,), {}, ["profile.layer-missing"] * 3),
    (FULL, {"type": ProfileType.INFRA}, ["profile.layer-alien"]),
    ((CNI, APP), {"type": ProfileType.ADDON, "cloud_type": "all"}, ["profile.layer-alien"]),
    ((CNI, APP), {"type": ProfileType.SYSTEM, "cloud_type": ""}, []),
    ((OS, CNI, K8S, APP), {}, ["profile.layer-order"]),
    ((APP, OS, K8S, CNI), {}, ["profile.layer-order"] * 3),
    (
        (OS, K8S, CNI, content("calico", "cni", "3.0.0"), APP),
        {},
        ["profile.layer-repeated"],
    ),
    (
        (*FULL, content("old", annotations={"system_state": "deprecated"})),
        {},
        ["layer.deprecated"],
    ),
]


def test_each_type_has_its_layers_in_their_order(engine: Engine) -> None:
    found = [rules(checked(engine, *packs, **changes)) for packs, changes, _ in STRUCTURE]
    assert found == [expected for _, _, expected in STRUCTURE]


def test_everything_is_reported_at_once_with_its_severity_and_place(engine: Engine) -> None:
    schema = "charts.engine.replicas:\n  schema: '{{ required | format \"${number:[1-5]}\" }}'\n"
    app = content("app", values="charts:\n  engine:\n    replicas: 2\n", schema=schema)
    layers = [
        of(K8S, values="pack:\n  podCIDR: '{{ .spectro.macro.cidr }}'\n a: 1\n"),
        of(app, values="charts:\n  engine:\n    replicas: 9\n    name: '{{ .spectro.var.n }}'\n"),
        of(app, values="a: 1\na: 2\n"),
        ProfileLayer(name="gone", tag="1.0.0", layer=Layer.ADDON),
        ProfileLayer(name="ap", tag="2", layer=Layer.ADDON),
    ]
    packs: list[Content] = [K8S, app, app, Missing(names=("app", "gone2"), tags=("1.1.0", "1.2.0"))]
    packs.append(Missing(names=("app", "kubernetes"), registry="R"))
    found = check(profile(*layers), packs, macros={}, engine=engine)
    assert [(f.rule, f.severity, f.layer, f.line, f.column) for f in found] == [
        ("profile.layer-missing", Severity.BLOCK, "", 0, 0),
        ("profile.layer-missing", Severity.BLOCK, "", 0, 0),
        ("yaml.syntax", Severity.REFUSE, "kubernetes", 3, 2),
        ("layer.name-repeated", Severity.REFUSE, "app", 0, 0),
        ("yaml.duplicate-key", Severity.REFUSE, "app", 2, 1),
        ("parameter.format", Severity.BLOCK, "app", 3, 5),
        ("variable.undefined", Severity.BLOCK, "app", 4, 15),
        ("layer.tag-unknown", Severity.REFUSE, "gone", 0, 0),
        ("layer.pack-unknown", Severity.REFUSE, "ap", 0, 0),
    ]
    assert not publishable(found)
    assert one(found, "layer.tag-unknown").mend == "There are 1.2.0, 1.1.0."
    unknown = one(found, "layer.pack-unknown")
    assert str(unknown) == (
        "refuse: The registry R holds no pack 'ap'. Did you mean 'app'? [layer.pack-unknown]"
    )


def test_what_is_not_known_is_not_held_against_the_order(engine: Engine) -> None:
    layers = [of(OS), ProfileLayer(name="lost", tag="1"), of(CNI), of(APP)]
    packs: list[Content] = [OS, Missing(names=("k3s",)), CNI, APP]
    assert rules(check(profile(*layers), packs, macros={}, engine=engine)) == ["layer.pack-unknown"]


def test_passwords_are_never_shown(engine: Engine) -> None:
    schema = (
        "charts.a.password:\n  schema: '{{ required | format \"${password:/[a-z]+/}\" }}'\n"
        "charts.a.port:\n  schema: '{{ format \"${number}\" }}'\n"
    )
    values = "charts:\n  a:\n    password: S3CRET\n    port: '{{.spectro.var.port}}'\n"
    app = content(values=values, schema=schema)
    secret = variable("port", sensitive=True, default="S3CRET-PORT")
    found = checked(engine, app, type=ProfileType.ADDON, cloud_type="all", variables=(secret,))
    assert rules(found) == ["parameter.format", "parameter.format"]
    assert "S3CRET" not in str(found)
    assert "once its macros are replaced" in found[1].message


def test_a_value_is_checked_as_what_its_macros_make_of_it(engine: Engine) -> None:
    schema = "charts.a.port:\n  schema: '{{ required | format \"${number:[1-9]}\" }}'\n"

    def port(*variables: Variable, text: str = "{{.spectro.var.port}}") -> list[str]:
        app = content(values=f"charts:\n  a:\n    port: '{text}'\n", schema=schema)
        kind = ProfileType.ADDON
        return rules(checked(engine, app, type=kind, cloud_type="all", variables=variables))

    assert port(variable("port", default="5")) == []
    assert port(variable("port", default="50")) == ["parameter.format"]
    assert port(variable("port")) == []
    assert port(variable("port", required=True)) == []
    assert port(text="{{ .spectro.pack.sample.none }}") == [
        "parameter.required",
        "macro.pack-absent",
    ]
    assert port(text='{{ .spectro.pack.sample.none | default "7" }}') == ["macro.pack-absent"]
    assert port(text="{{ .spectro.system.cluster.uid }}") == ["macro.deployment"]


def test_without_values_those_of_the_pack_are_in_force(engine: Engine) -> None:
    schema = "charts.a.port:\n  schema: '{{ required }}'\n"
    good, bad = (
        content(values=f"charts:\n  a:\n    port: {port}\n", schema=schema) for port in ("1", "''")
    )
    for pack, expected in ((good, []), (bad, ["parameter.required"])):
        found = checked(
            engine, pack, layers=[of(pack, values=" \n")], type=ProfileType.ADDON, cloud_type="all"
        )
        assert rules(found) == expected


def test_read_only_values_and_masked_secrets(engine: Engine) -> None:
    schema = (
        "a.fixed:\n  schema: '{{ readonly }}'\n"
        "a.key:\n  schema: '{{ format \"${password:/[a-z]+/}\" }}'\n"
    )
    app = content(values="a:\n  fixed: 1\n  key: abc\n", schema=schema)
    layer = of(app, values="a:\n  fixed: 2\n  key: '********'\n")
    found = checked(engine, app, layers=[layer], type=ProfileType.ADDON, cloud_type="all")
    assert rules(found) == ["parameter.readonly", "layer.masked"]
    assert found[1].severity is Severity.WARNING


def test_what_packs_ask_of_each_other_and_of_nodes(engine: Engine) -> None:
    needs = Constraints(
        dependencies=(
            Dependency(pack_name="kubernetes", layer="k8s", min_version="1.37", type="required"),
            Dependency(pack_name="vault", layer="addon", type="required"),
        ),
        resources=(
            Resource(
                type="cpu",
                components=(Component(resource_request_param_ref="a.cpu", schedule_type="all"),),
            ),
        ),
    )
    app = content(values="a:\n  cpu: 2\n", constraints=needs)
    made = profile(*map(of, (OS, K8S, CNI, app)))
    pool = Pool(name="small", cpu=1000)
    found = check(made, (OS, K8S, CNI, app), macros={}, engine=engine, pools=[pool])
    assert [(f.rule, f.layer) for f in found] == [
        ("dependency.version", "sample"),
        ("dependency.missing", "sample"),
        ("resource.insufficient", "sample"),
    ]
    alone = checked(engine, app, type=ProfileType.ADDON, cloud_type="all")
    assert {finding.severity for finding in alone} == {Severity.WARNING}


def test_a_pack_that_is_there_twice_carries_its_name(engine: Engine) -> None:
    night = of(APP, name="night--app")
    found = checked(
        engine, APP, APP, layers=[of(APP), night], type=ProfileType.ADDON, cloud_type=""
    )
    assert rules(found) == ["layer.display-name", "layer.release-name"]
    values = (
        "pack:\n  spectrocloud.com/display-name: night\n  releaseNameOverride:\n    engine: night\n"
        "charts:\n  engine: {}\n"
    )
    good = replace(night, values=values)
    assert not checked(
        engine, APP, APP, layers=[of(APP), good], type=ProfileType.ADDON, cloud_type=""
    )
    twice = [of(APP), good, replace(good, name="night--other")]
    found = checked(engine, APP, APP, APP, layers=twice, type=ProfileType.ADDON, cloud_type="")
    assert rules(found)[0] == "layer.display-name-repeated"


def test_no_function_is_given_a_secret_in_a_check(engine: Engine) -> None:
    """Whoever may check may not know it: neither in a complaint, nor by whether there is one."""
    secret = variable("s", sensitive=True, default="TOPSECRET")
    told = (
        "a: '{{ fail (.spectro.var.s | b64enc) }}'\n"
        'b: \'{{ and (hasPrefix "TOP" .spectro.var.s) (fail "yes") }}\'\n'
        "c: '{{ .spectro.var.s }}'\nd: '{{ fail (substr 0 5 .spectro.pack.app.c) }}'\n"
        "e: '{{ fail (toYaml .spectro.pack.app.f) }}'\nf: {g: 'x{{ .spectro.pack.app.c }}'}\n"
    )
    found = checked(engine, content("app", values=told), type=ProfileType.ADDON, variables=[secret])
    assert set(rules(found)) == {"variable.piped", "macro.structure"}


def test_the_keys_of_every_pack_are_checked_as_they_are_and_as_they_become(engine: Engine) -> None:
    text = (
        "pack:\n  namespace: Bad_NS\n  spectrocloud.com/install-priority: abc\n"
        "  releaseNameOverride: {web: 'Bad Name!', db: '{{ .spectro.var.ns }}', x: shop.one}\n"
        "  additionalNamespaces: 'a,{{ .spectro.var.ns }}'\ncharts: [1]\n"
    )
    secret = variable("ns", sensitive=True, default="S3_CRET")
    app = content("app", values=text)
    found = checked(engine, app, type=ProfileType.ADDON, variables=[secret])
    assert [(one.rule, one.severity, one.path, one.line) for one in found] == [
        ("values.namespace-form", Severity.BLOCK, "pack.namespace", 2),
        ("values.install-priority", Severity.WARNING, "pack.spectrocloud.com/install-priority", 3),
        ("layer.release-form", Severity.BLOCK, "pack.releaseNameOverride.web", 4),
        ("values.namespace-form", Severity.BLOCK, "pack.additionalNamespaces", 5),
        ("values.type", Severity.WARNING, "charts", 6),
    ]
    assert "S3" not in str(found)
    odd = checked(engine, content("app", values="pack: [1]\n"), type=ProfileType.ADDON)
    assert (rules(odd), publishable(odd)) == (["values.type"], True)


def test_resolved_values_may_be_shown(engine: Engine) -> None:
    text = "# {{ .spectro.var.key }}\na: '{{ .spectro.var.key }}'\nb: '{{ .spectro.macro.m }}'\n"
    text += "d: '{{ .spectro.var.free }}'\ne: '{{ .spectro.var.asked }}'\n"
    app = content(values=text + "c: '{{ .spectro.system.cluster.uid }}'\n")
    variables = (
        variable("key", sensitive=True, default="S3CRET"),
        variable("free"),
        variable("asked", required=True),
    )
    broken = ProfileLayer(name="x", values="a: [\n")
    made = profile(of(app, values=""), broken, variables=variables)
    texts, findings = resolved_values(made, [app, None], macros={"m": "it's"}, engine=engine)
    assert texts[0] == (
        "# {{ .spectro.var.key }}\na: '********'\nb: 'it''s'\n"
        "d: ''\ne: '{{ .spectro.var.asked }}'\nc: '{{ .spectro.system.cluster.uid }}'\n"
    )
    assert (texts[1], findings) == ("a: [\n", [])
    used = cells(lay_out(made, [app, None]))
    assert (names_used(used, Family.MACRO), names_used(used, Family.VARIABLE)) == (
        ["m"],
        ["key", "free", "asked"],
    )


def test_manifests_are_yaml_with_names(engine: Engine) -> None:
    manifests = (
        Manifest(name="a", content="apiVersion: v1\nkind: A\nmetadata:\n  name: a\n---\nkind: [\n"),
        Manifest(name="a", content="# nothing\n"),
        Manifest(name="", content="kind: B\n"),
    )
    layer = ProfileLayer(name="m", type=PackType.MANIFEST, manifests=manifests, layer=Layer.ADDON)
    empty = ProfileLayer(name="none", type=PackType.MANIFEST)
    made = profile(layer, empty, type=ProfileType.ADDON)
    found = check(made, [None, None], macros={}, engine=engine)
    assert [(f.rule, f.layer, f.line) for f in found] == [
        ("manifest.name-repeated", "m", 0),
        ("manifest.name-missing", "m", 0),
        ("manifest.kind", "m", 1),
        ("yaml.syntax", "m", 7),
        ("manifest.missing", "none", 0),
    ]


def test_labels_of_namespaces_are_labels_once_their_macros_are_replaced(engine: Engine) -> None:
    def labels(text: str) -> list[str]:
        app = content(values=f"pack:\n  namespaceLabels:\n    ns: '{text}'\n")
        system = {"kubernetes.version": "1.28.3"}
        made = profile(of(app), type=ProfileType.ADDON, cloud_type="all")
        return rules(check(made, [app], macros={}, engine=engine, system=system))

    assert (
        labels("a.io/enforce=baseline,v=v{{ .spectro.system.kubernetes.version | substr 0 4 }}")
        == []
    )
    assert labels("a=-{{ .spectro.system.kubernetes.version }}") == ["macro.label"]
    assert labels("a={{ .spectro.system.cluster.uid }}/x") == ["macro.deployment"]


def test_values_of_ten_megabytes_end_in_a_sentence(engine: Engine) -> None:
    app = content(values="")
    layer = of(app, values="a: " + "x" * 10_000_000 + "\n")
    found = checked(engine, app, layers=[layer], type=ProfileType.ADDON, cloud_type="all")
    assert rules(found) == ["yaml.too-large"]
