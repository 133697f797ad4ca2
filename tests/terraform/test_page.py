"""The configuration on the page about Terraform, applied as it stands but for its addresses."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT
from tests.live import Live
from tests.secured import Secured
from tests.terraform.program import PROVIDER, Terraform

pytestmark = pytest.mark.clients("terraform", PROVIDER)

BLOCK = re.compile(r"^```hcl\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_page_is_one_configuration_after_which_nothing_is_to_change(
    terraform: Terraform, secured: Secured, upstream: Live
) -> None:
    page = "\n".join(BLOCK.findall((ROOT / "docs" / "terraform.md").read_text(encoding="utf-8")))
    for example, here in (
        ("packs.example.com", secured.server.host),
        ("https://charts.example.com", f"{upstream.url}/helm"),
        ("https://registry.example.com", upstream.url),
    ):
        assert example in page
        page = page.replace(example, here)
    terraform.variables = {"charts_password": upstream.admin_password}
    terraform.apply(page)
    terraform.destroy()
