"""Packs and profiles put to use. `render`: Kubernetes manifests from a pack and its values."""
