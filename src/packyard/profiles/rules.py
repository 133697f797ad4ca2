"""Every rule that a profile is held to: its id, how much it weighs, what it means.

What is refused is not stored; what blocks can be kept as a draft, but not published. The packs'
own rules (`packs.rules`) hold for the values of layers, with the severities they have there.
"""

from __future__ import annotations

from packyard.findings import Rules

_REFUSE = {
    "profile.syntax": "The document is neither JSON nor YAML.",
    "profile.not-export": "The document is no exported profile.",
    "profile.file": "A file that the profile names cannot be read.",
    "profile.type": "A property has another type than it must.",
    "profile.word-unknown": "A property has a value that does not exist.",
    "profile.name-missing": "The profile has no name.",
    "profile.name-form": "The profile's name is too long, or cannot be shown.",
    "profile.version-form": "The profile's version is not semantic versioning by the letter.",
    "layer.name-missing": "A layer has no name.",
    "layer.name-form": "The name of a layer is too long, or cannot be shown.",
    "layer.name-repeated": "Two layers have one name.",
    "layer.display-name-repeated": "Two layers are shown under one name.",
    "layer.pack-unknown": "No registry that is read holds a pack of that name.",
    "layer.tag-unknown": "The pack has no such tag.",
    "manifest.name-missing": "A manifest has no name.",
    "manifest.name-form": "The name of a manifest is too long, or cannot be shown.",
    "manifest.name-repeated": "Two manifests of a layer have one name.",
    "macro.syntax": "An expression with a macro cannot be read.",
    "macro.unquoted": "An expression stands in YAML without quotes, which makes it a map.",
    "macro.too-many": "The layers hold more references to macros than are looked at.",
    "macro.unknown": "A macro is defined neither in the project nor in the tenant.",
    "variable.name-form": "A variable has no name, or one that no macro can spell.",
    "variable.name-repeated": "Two variables have one name.",
    "variable.display-name-repeated": "Two variables are shown under one name.",
}
_BLOCK = {
    "profile.empty": "The profile has no layers.",
    "profile.cloud-missing": "An infrastructure or full profile names no cloud.",
    "profile.cloud-unknown": "The profile is for a cloud that does not exist.",
    "profile.layer-missing": "A layer that the profile's type needs is missing.",
    "profile.layer-repeated": "An infrastructure layer is there twice.",
    "profile.layer-alien": "A layer that the profile's type does not admit.",
    "layer.release-form": "A chart would be installed under a name that Helm does not take.",
    "layer.cloud": "A pack is not made for the profile's cloud.",
    "macro.cycle": "Values refer to each other in a circle.",
    "macro.family-unknown": "A macro of a family that does not exist.",
    "macro.system-unknown": "A system value that does not exist.",
    "macro.function": "A function in a macro, whose result depends on more than it is given.",
    "macro.failed": "An expression with a macro has no result.",
    "macro.unresolved": "A macro has no value where a profile is rendered.",
    "variable.value": "A variable is given a value that it does not take, or none.",
    "variable.undefined": "A variable is used that the profile does not define.",
    "variable.default-form": "The default of a variable is not of the variable's form.",
    "variable.default-missing": "A variable needs a default, since nobody can give it a value.",
    "variable.options-missing": "A dropdown has no options.",
    "variable.option-empty": "An option of a dropdown has no value.",
    "variable.option-repeated": "Two options of a dropdown have one value.",
    "variable.default-option": "The default of a dropdown is none of its options.",
}
_WARNING = {
    "profile.key-unknown": "A property that does not exist.",
    "profile.layer-order": "Layers stand in another order than they are built upon each other.",
    "layer.kind-differs": "The profile gives a pack another layer than the pack says.",
    "layer.display-name": "A pack that is there twice has no display name in its values.",
    "layer.release-name": "A chart would be installed twice under one release name.",
    "layer.deprecated": "The pack's authors no longer want it to be used.",
    "layer.masked": "A secret was masked in an export and has to be given again.",
    "manifest.kind": "A manifest does not say what it is: apiVersion, kind, name.",
    "manifest.missing": "A manifest layer without manifests.",
    "macro.app": "A macro of application profiles, which means nothing in a cluster profile.",
    "macro.label": "A namespace's labels do not become labels that Kubernetes takes.",
    "variable.piped": "A function is applied to a variable, which is not supported everywhere.",
    "variable.place": "A variable stands where it is not replaced everywhere.",
    "variable.nested": "A variable's default holds a macro, which is not resolved there.",
    "variable.regex": "The regular expression of a variable is none, so it is not checked.",
    "variable.masked": "A secret was masked in an export and has to be given again.",
}
_HINT = {
    "layer.changed": "The tag of a layer leads to another pack than when the layer was written.",
    "macro.pack-absent": "A macro refers to a value that no layer holds; it becomes empty.",
    "macro.deployment": "A system value that is known only when a cluster is deployed.",
    "macro.structure": "A macro refers to a map or list, which has no form inside a text.",
    "variable.text": "A number or boolean becomes a text, since it stands in quotes.",
    "variable.unused": "A variable is defined and not used.",
}

RULES = Rules(refuse=_REFUSE, block=_BLOCK, warning=_WARNING, hint=_HINT)
found = RULES.found
