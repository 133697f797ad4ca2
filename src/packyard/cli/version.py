"""The line that `packyard version` prints."""

from __future__ import annotations

import os
import sys

from packyard import __version__

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


def version_line() -> str:
    """`Packyard CLI Version X.Y.Z linux/amd64`, the platform in the words of container images."""
    machine = os.uname().machine
    return f"Packyard CLI Version {__version__} {sys.platform}/{_MACHINES.get(machine, machine)}"
