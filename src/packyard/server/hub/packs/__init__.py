"""Packs of all registries as the published API tells of them: lists of them, and single ones."""
