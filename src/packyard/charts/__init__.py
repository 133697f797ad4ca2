"""Helm charts and templates, by Helm's own engine.

`Engine` (`engine`) is the way in: it loads, renders, lints and verifies charts and fills single
templates, each as a job in a process of its own (`pool`). What is wrong with a chart comes back as
findings; a job that exceeds its limits is one of them.

In the caller's process: `engine`, `pool`, `frames`, and the values that go in and come out
(`chart`, `template`). In the worker's: `worker`, `jobs`, `archive`, `schema`, `manifests`,
`messages`, `masks`. Only `jobs` and `worker` touch the Helm SDK.
"""
