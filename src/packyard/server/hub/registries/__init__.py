"""Registries over HTTP: one module for each kind, beside its forms; what they share is in `acts`.

Secrets come in and never go out again; a change without them keeps those that are there. What may
be absent from an answer, and what must not, is terraform-contract.md, section 6.
"""
