"""The provider's start, projects and macros: made, planned again, changed, imported, destroyed."""

from __future__ import annotations

import pytest

from tests.terraform.program import PROVIDER, Terraform

pytestmark = pytest.mark.clients("terraform", PROVIDER)

PROJECT = """
resource "spectrocloud_project" "team" {
  name        = "%s"
  description = "%s"
  tags        = %s
}
"""


def test_without_its_project_or_with_a_wrong_key_the_provider_does_not_start(
    terraform: Terraform,
) -> None:
    look = 'data "spectrocloud_project" "it" { name = "Default" }\n'
    absent = 'provider "spectrocloud" { project_name = "No Such Project" }\n'
    assert "No Such Project" in terraform.fails(absent + look)
    wrong = 'provider "spectrocloud" { api_key = "wrong" }\n'
    assert "API key" in terraform.fails(wrong + look)
    terraform.apply(look)
    assert len(terraform.state("data.spectrocloud_project.it")["id"]) == 24


def test_projects(terraform: Terraform) -> None:
    address = "spectrocloud_project.team"
    first = PROJECT % ("Team A", "The first", '["owner:ann", "plain"]')
    look = """
      data "spectrocloud_project" "found" { name = spectrocloud_project.team.name }
      output "same" { value = data.spectrocloud_project.found.id == spectrocloud_project.team.id }
    """
    terraform.apply(first + look)
    assert terraform.outputs() == {"same": True}
    uid = terraform.state(address)["id"]

    terraform.apply(PROJECT % ("Team B", "", '["owner:bea", "cost:1/2"]'))
    assert terraform.state(address)["id"] == uid
    terraform.adopt(PROJECT % ("Team B", "", '["owner:bea", "cost:1/2"]'), address, uid)
    terraform.plan_is_empty()
    terraform.adopt(PROJECT % ("Team B", "", '["owner:bea", "cost:1/2"]'), address, "Team B")
    terraform.plan_is_empty()
    terraform.destroy()


def test_a_project_that_is_gone_is_made_again(terraform: Terraform) -> None:
    config = PROJECT % ("Team C", "Two of one state", "[]")
    terraform.apply(config)
    state = (terraform.home / "terraform.tfstate").read_text()
    terraform.destroy()
    (terraform.home / "terraform.tfstate").write_text(state)
    assert terraform.changes()["spectrocloud_project.team"]["actions"] == ["create"]
    terraform.apply(config)
    terraform.destroy()


def test_macros(terraform: Terraform) -> None:
    config = """
      resource "spectrocloud_macros" "project" {
        context = "project"
        macros  = { %s }
      }
      resource "spectrocloud_macros" "tenant" {
        context = "tenant"
        macros  = { zone = "eu-1" }
      }
    """
    look = """
      data "spectrocloud_macros" "project" {
        context    = "project"
        macro_name = "domain"
        depends_on = [spectrocloud_macros.project]
      }
      data "spectrocloud_macros" "tenant" {
        context    = "tenant"
        depends_on = [spectrocloud_macros.tenant]
      }
    """
    terraform.apply(config % 'domain = "example.com", mail = "a@example.com"')
    changed = config % 'domain = "example.org", odd = "{{ .x }} \\"ü\\""'
    terraform.apply(changed + look)
    assert terraform.state("data.spectrocloud_macros.project")["macro_value"] == "example.org"
    assert terraform.state("data.spectrocloud_macros.tenant")["macros_map"] == {"zone": "eu-1"}
    tenant = terraform.state("data.spectrocloud_macros.tenant")["id"].rpartition("-")[2]
    for address, uid in (("project", "Default:project"), ("tenant", f"{tenant}:tenant")):
        terraform.adopt(changed, f"spectrocloud_macros.{address}", uid)
    terraform.plan_is_empty()
    terraform.destroy()
