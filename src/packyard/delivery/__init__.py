"""Packs and profiles put to use: Kubernetes manifests from a pack and its values (`render`), and
from the add-on layers of a cluster profile (`profile`)."""
