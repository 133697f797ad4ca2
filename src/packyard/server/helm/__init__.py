"""The store as a Helm repository at `/helm`: `index`, `downloads`, and ChartMuseum's API, `api`.

Handlers are as those of `oci`; `face.HelmRepository` joins them. What clients are told is written
down in `docs/formats/helm.md`.
"""
