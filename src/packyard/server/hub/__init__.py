"""The hub's API under `/v1`, in the form of the published API of the product that people script.

Every router is a module; what they share is in `forms`. Refusals leave as `problems` has them.
"""
