"""Registries over HTTP: one module for each kind, beside its forms.

What the kinds share is in `acts`, what can be done, in `forms`, and in `routing`.
Secrets come in and never go out again; a change without them keeps those that are there. What may
be absent from an answer, and what must not, is terraform-contract.md, section 6.
"""
