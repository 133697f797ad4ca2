"""Packs by both data sources: by name, version, uid, filters and conditions; of every kind of
registry that they take.
"""

from __future__ import annotations

import pytest

from tests.terraform.conftest import Charts
from tests.terraform.program import PROVIDER, Terraform

pytestmark = pytest.mark.clients("terraform", PROVIDER)

OWN = """
data "spectrocloud_registry" "own" { name = "Public Repo" }
data "spectrocloud_pack" "exact" {
  name         = "node-exporter"
  version      = "1.11.1"
  registry_uid = data.spectrocloud_registry.own.id
}
data "spectrocloud_pack" "newest" {
  name         = "node-exporter"
  registry_uid = data.spectrocloud_registry.own.id
}
data "spectrocloud_pack" "for_a_cloud" {
  name         = "csi-local-path"
  cloud        = ["edge-native"]
  registry_uid = data.spectrocloud_registry.own.id
}
data "spectrocloud_pack" "filtered" {
  filters = "spec.layer=addonANDspec.name=node-exporterANDspec.version>1.11.9"
}
data "spectrocloud_pack" "by_uid" { id = data.spectrocloud_pack.exact.id }
data "spectrocloud_pack" "chosen" {
  name = "node-exporter"
  advance_filters {
    pack_type   = ["spectro"]
    pack_layer  = ["addon"]
    environment = ["all"]
    addon_type  = []
    pack_source = []
    is_fips     = false
  }
  registry_uid = data.spectrocloud_registry.own.id
}
data "spectrocloud_pack" "of_a_type_that_is_not_listed" {
  name         = "sample"
  registry_uid = data.spectrocloud_registry.own.id
}
data "spectrocloud_pack" "manifest" {
  name = "notes"
  type = "manifest"
}
"""
CHARTS = """
data "spectrocloud_pack" "chart" {
  name         = "web"
  version      = "1.0.0"
  registry_uid = "%(helm)s"
}
data "spectrocloud_pack" "chart_in_oci" {
  name         = "web"
  version      = "1.2.0"
  registry_uid = "%(oci)s"
}
data "spectrocloud_pack" "private" {
  name         = "web"
  type         = "helm"
  registry_uid = "%(private)s"
}
data "spectrocloud_pack_simple" "chart" {
  name         = "web"
  version      = "1.0.0"
  type         = "helm"
  registry_uid = "%(helm)s"
}
"""
PACKS = """
data "spectrocloud_registry" "packs" { name = "kept packs" }
data "spectrocloud_registry_oci" "packs" { name = "kept oci packs" }
locals {
  packs = data.spectrocloud_registry.packs.id
  oci   = data.spectrocloud_registry_oci.packs.id
}
data "spectrocloud_pack" "newest_of_all" { name = "tool" }
data "spectrocloud_pack" "documented" {
  filters = join("AND", [
    "spec.cloudTypes=edge-native", "spec.layer=csi", "spec.displayName=TOOL AND MORE",
    "spec.version>1.8.99", "spec.registryUid=${local.packs}",
  ])
}
data "spectrocloud_pack" "for_a_cloud" {
  name         = "tool"
  version      = "1.9.0"
  cloud        = ["vsphere"]
  registry_uid = local.packs
}
data "spectrocloud_pack" "by_parent_tag" {
  name         = "tool"
  version      = "1.x"
  registry_uid = local.oci
  advance_filters { pack_type = ["oci"] }
}
data "spectrocloud_pack" "where_no_registry_is_named" {
  name    = "tool"
  version = "1.9.0"
  advance_filters { pack_type = ["spectro"] }
}
data "spectrocloud_pack" "second" {
  name         = "second--tool"
  version      = "1.10.0"
  registry_uid = local.oci
}
data "spectrocloud_pack" "never_asked_for" {
  name         = "tool"
  type         = "oci"
  registry_uid = local.oci
}
data "spectrocloud_pack_simple" "of_no_helm_repository" {
  name         = "tool"
  version      = "1.9.0"
  type         = "container"
  registry_uid = local.packs
}
"""


def test_packs_of_the_own_registry(terraform: Terraform, unlisted: None) -> None:
    terraform.apply(OWN)

    def told(name: str) -> dict[str, object]:
        return terraform.state(f"data.spectrocloud_pack.{name}")

    own = terraform.state("data.spectrocloud_registry.own")["id"]
    exact = told("exact")
    assert (exact["version"], exact["registry_uid"]) == ("1.11.1", own)
    assert str(exact["values"]).startswith("pack:")
    assert told("newest")["version"] == "1.12.1"
    assert told("filtered")["id"] == told("newest")["id"] == told("chosen")["id"]
    assert (told("by_uid")["name"], told("by_uid")["values"]) == ("node-exporter", exact["values"])
    assert told("for_a_cloud")["version"] == "0.0.36"
    assert told("of_a_type_that_is_not_listed")["values"]


def test_charts_of_other_registries(terraform: Terraform, charts: Charts) -> None:
    terraform.apply(CHARTS % {name: getattr(charts, name) for name in ("helm", "oci", "private")})
    chart = terraform.state("data.spectrocloud_pack.chart")
    assert "charts:" in chart["values"]
    assert chart["registry_uid"] == charts.helm
    assert "charts:" in terraform.state("data.spectrocloud_pack.chart_in_oci")["values"]
    simple = terraform.state("data.spectrocloud_pack_simple.chart")
    assert simple["values"].strip() == chart["values"].strip()
    assert not terraform.state("data.spectrocloud_pack.private")["values"]


def test_packs_of_other_registries(terraform: Terraform, charts: Charts) -> None:
    terraform.apply(PACKS)
    found = {
        "newest_of_all": ("1.10.0", charts.oci_packs),
        "documented": ("1.9.0", charts.packs),
        "for_a_cloud": ("1.9.0", charts.packs),
        "by_parent_tag": ("1.10.0", charts.oci_packs),
        "where_no_registry_is_named": ("1.9.0", charts.packs),
        "second": ("1.10.0", charts.oci_packs),
    }
    for name, expected in found.items():
        told = terraform.state(f"data.spectrocloud_pack.{name}")
        assert (told["version"], told["registry_uid"]) == expected, name
        assert told["values"], name
    for name in ("pack.never_asked_for", "pack_simple.of_no_helm_repository"):
        assert not terraform.state(f"data.spectrocloud_{name}")["values"]
