"""The command line: words, progress, exit codes. `main` is the door, `app` the tree of commands.

Modules import what is heavy inside their functions, so that help and completion come at once.
"""
