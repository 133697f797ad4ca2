"""The hub: projects, macros and the audit, other registries, and cluster profiles.

A registry is a `description`, kept by `registries` and made a source by `opening`. What is due is
in the `schedule`; a `worker` takes it, `sync` sees it to its end, `work` does it by a `plan` and in
`steps`, `reading` makes rows of what was read. `contents` reads what a synchronization left out.

A cluster profile is rows of `profiles`, made and changed by `composing`: `resolution` says which
pack of which of the `places` a layer means, `layer_contents` what that holds.
"""
