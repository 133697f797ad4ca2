"""Cluster profiles over HTTP, in the published form (terraform-contract.md, 7; profile-json.md).

`bodies` come in, `answers` go out; what is between them is `hub.composing`'s. The routers: `whole`
profiles, their `variables`, `layers` and `manifests`, `exchange` with files, `dashboards`, and
`own` paths beyond the published ones.
"""
