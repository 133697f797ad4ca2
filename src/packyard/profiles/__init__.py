"""Composing packs to cluster profiles. Pure but for the template engine, which is handed in.

- `model`: a profile, its layers and variables. `content`: what the pack of a layer holds, `chart`
  what a Helm chart does.
- `rules`: every rule with its severity. `variables`: definitions and values.
- `laid`: a profile laid out, its texts read once. `actions` reads `{{ … }}`, `cells` finds those
  with macros, `lookup` follows references between layers, `system` has the names of the product.
- `macros` says what is wrong with references, `resolve` puts in place what they stand for
  (`scope`), following `targets` between layers, `filling` in expressions by Helm's engine.
- `check`: everything that is wrong with a profile: its `layers`, its values against the
  `parameters` of packs, constraints, macros, variables.
- `options`: the packs that can be the next layer, and why the others cannot.
- `file`: a profile as a file beside its values.
- `exchange`: JSON and YAML out and in, read by `fields`, with the `registries` that an imported
  layer may come from; `terraform`: as a configuration.
"""
