"""`python -m packyard` is `packyard`."""

from packyard.cli.main import run

run()
