"""`packyard hub`: people, keys and more of a hub, over its API. `app` is the tree of commands.

A hub is a Packyard, so it is asked with the logins of `packyard registry login`. What it has may be
named by its uid wherever it may be named by its name.
"""
