"""What others hold, read and written as their client. httpx lives here and nowhere else.

`address` reads what people write for a server, `trust` decides whose certificates count, `client`
sends requests (schemes, retries, redirects) by `transport`, which calls only what `reach` allows
and keeps to a host's `budget`; `challenge` answers a registry's demand for credentials, `failures`
turns what went wrong into our errors. On top: `oci`, a repository of the OCI
distribution specification, with `pack` and `chart`, what stands in one; `helm`, a Helm repository.
`source` is what all registries have in common that a hub reads; `helm_source`, `oci_source`
and `pack_source` are such, `ecr` gives AWS's logins to the second. `endpoint` reads what people
write for one. `hub` is the API of a hub, and `items` what it gives.
"""
