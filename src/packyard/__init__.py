"""Packyard: stores packs and charts, gathers registries into one catalog, composes profiles.

The map, from the bottom up; imports go downwards only (`tests/test_architecture.py`):

- `errors`, `findings`, `digests`, `references`: the vocabulary.
- `packs`: the format of a pack. Pure: bytes in, values and findings out.
- `charts`: Helm's engine, in worker processes: charts and templates in, manifests and findings out.
- `profiles`: composing packs: layers, macros, variables. Pure; the engine is handed in.
- `storage`: bytes by digest, rows by name; knows nothing of packs.
- `catalog`: what all sources hold, as rows to search.
- `auth`: who, and who may what.
- `registry`: what *we* hold. `Registry.commit` is the only door by which content becomes visible.
- `remotes`: what others hold, read and written as their client.
- `hub`: projects, macros, the audit; other registries, synchronized; cluster profiles, kept.
- `delivery`: packs put to use: rendered to Kubernetes manifests.
- `config`: file and environment to typed values.
- `server`: every HTTP face, and the wiring: start at `server/app.py`.
- `cli`: words, progress, exit codes: start at `cli/main.py`.
"""

__version__ = "0.1.0"
