"""Terraform with the published provider, as its users run it, in a folder of its own.

The provider is the program found on the PATH, named by `dev_overrides`: so there is no `init`, no
lock file, and nothing is asked of any registry of providers. Nothing of the real user's settings
is read. Operations run one after the other, since the provider shares its header for the project
between parallel ones (terraform-contract.md, 3).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.secured import Secured

PROVIDER = "terraform-provider-spectrocloud"

_HEAD = """\
terraform {
  required_providers {
    spectrocloud = { source = "spectrocloud/spectrocloud" }
  }
}
"""
_SETTINGS = """\
provider_installation {
  dev_overrides { "spectrocloud/spectrocloud" = "%s" }
}
disable_checkpoint = true
"""


@dataclass
class Terraform:
    """A configuration, its state and its server. `variables` are given to every command."""

    home: Path
    secured: Secured
    key: str
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        provider = shutil.which(PROVIDER)
        assert provider is not None
        folder = Path(provider).resolve().parent
        (self.home / "cli.tfrc").write_text(_SETTINGS % folder)

    def apply(self, config: str, *options: str) -> None:
        """Bring the server to `config`; a plan made at once after that has nothing to do."""
        self.write(config)
        self._run("apply", "-auto-approve", *(options or ("-parallelism=1",)))
        self.plan_is_empty()

    def plan_is_empty(self) -> None:
        changes = self.changes()
        assert not changes, json.dumps(changes, indent=1)

    def changes(self) -> dict[str, Any]:
        """What a plan would change: for each address its actions, before and after."""
        self._run("plan", "-parallelism=1", "-out=plan")
        plan = json.loads(self._run("show", "-json", "plan", quiet=True))
        changes = plan.get("resource_changes", [])
        found = {
            row["address"]: {key: row["change"][key] for key in ("actions", "before", "after")}
            for row in changes
            if row["change"]["actions"] not in (["no-op"], ["read"])
        }
        outputs = plan.get("output_changes", {})
        return found | {
            f"output.{name}": row for name, row in outputs.items() if row["actions"] != ["no-op"]
        }

    def state(self, address: str) -> dict[str, Any]:
        """The attributes of a resource or data source."""
        shown = json.loads(self._run("show", "-json", quiet=True))
        rows = shown["values"]["root_module"].get("resources", [])
        found: dict[str, Any] = next(row["values"] for row in rows if row["address"] == address)
        return found

    def outputs(self) -> dict[str, Any]:
        shown = json.loads(self._run("output", "-json", quiet=True))
        return {name: row["value"] for name, row in shown.items()}

    def adopt(self, config: str, address: str, uid: str) -> None:
        """`terraform import`, after forgetting what the state has at the address."""
        self.write(config)
        self._run("state", "rm", address)
        self._run("import", address, uid)

    def destroy(self) -> None:
        self._run("destroy", "-auto-approve", "-parallelism=1")

    def fails(self, config: str) -> str:
        """What an apply, which must fail, complains of, on one line."""
        self.write(config)
        done = self._start("apply", "-auto-approve", "-parallelism=1")
        assert done.returncode != 0, done.stdout
        return " ".join((done.stdout + done.stderr).replace("│", " ").split())

    def write(self, config: str) -> None:
        head = "" if "required_providers" in config else _HEAD
        (self.home / "main.tf").write_text(head + config)

    def _run(self, *words: str, quiet: bool = False) -> str:
        done = self._start(*words)
        log = "" if quiet else "\n".join(self.secured.server.log().splitlines()[-15:])
        assert done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}\n{log}"
        return done.stdout

    def _start(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["terraform", *words],
            cwd=self.home,
            env=self._environment(),
            input="",
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def _environment(self) -> Mapping[str, str]:
        given = {f"TF_VAR_{name}": value for name, value in self.variables.items()}
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TF_CLI_CONFIG_FILE": str(self.home / "cli.tfrc"),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "TF_CLI_ARGS": "-no-color",
            "CHECKPOINT_DISABLE": "1",
            "SSL_CERT_FILE": str(self.secured.authority),
            "SPECTROCLOUD_HOST": self.secured.server.host,
            "SPECTROCLOUD_APIKEY": self.key,
            "SPECTROCLOUD_RETRY_ATTEMPTS": "0",
            **given,
        }
