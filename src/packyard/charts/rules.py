"""Every rule that a chart is held to when it is loaded, rendered or verified.

As with the rules of packs, nothing else gives a finding its severity: what Helm cannot load or what
reaches outside the chart is refused, what does not render with the values at hand can be kept.
"""

from __future__ import annotations

from packyard.findings import Rules

_REFUSE = {
    "helm.archive": "The file is no gzipped tar file, or one that Helm could not read.",
    "helm.too-large": "The archive exceeds Helm's limits of size, number of files or nesting.",
    "helm.invalid": "Helm does not take it as a chart: Chart.yaml, values.yaml or a subchart.",
    "helm.schema-form": "A values.schema.json is not JSON.",
    "helm.schema-remote": "A values.schema.json refers to a file or to the network.",
    "helm.provenance": "The provenance file does not prove the chart.",
}
_BLOCK = {
    "helm.release": "Helm takes no release of that name, or no Kubernetes version of that form.",
    "helm.library": "A library chart, which deploys nothing by itself.",
    "helm.dependency": "Chart.yaml names a subchart that the archive does not hold.",
    "helm.kubernetes": "The chart is not made for that version of Kubernetes.",
    "helm.values": "The values do not meet the chart's values.schema.json.",
    "helm.template": "A template cannot be parsed, or fails with these values.",
    "helm.manifest": "What a template gives is no Kubernetes manifest.",
    "helm.time": "Rendering took too long and was ended.",
    "helm.memory": "Rendering needed too much memory and was ended.",
    "helm.output": "More comes out than is taken.",
    "helm.engine": "The template engine ended unexpectedly.",
}
_WARNING = {
    "helm.lint": "Helm's own linter warns of it.",
}
_HINT = {
    "helm.lint-hint": "Helm's own linter recommends it.",
}

RULES = Rules(refuse=_REFUSE, block=_BLOCK, warning=_WARNING, hint=_HINT)
found = RULES.found
