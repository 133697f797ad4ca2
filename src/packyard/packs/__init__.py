"""The format of a pack. Pure: bytes in, values and findings out; only `folder` touches a disk.

- `model`: what pack.json says. `jsontext` and `members` read it with positions.
- `version`, `tags`: the order of versions, the tags of packs and their parents.
- `files`: what a pack consists of. `folder` and `archive` read and write it.
- `values`, `schema`, `presets`: the YAML files, read and edited by `yaml`.
- `constraints`: what packs ask of each other and of the nodes they run on.
- `rules`: every rule with its severity. `lint`: `check` is what a push refuses, `lint` everything.
- `artifact`: a pack as OCI content.
"""
