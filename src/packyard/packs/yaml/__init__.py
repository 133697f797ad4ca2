"""YAML 1.1 as Helm reads it, with the place of every node, and edits that keep every other byte.

Reading: `reader` composes `nodes` by libyaml, `scalars` types them. Writing: `writer` makes text of
data; `layout` sees how a document is laid out, `splice` puts text into it, `patch` is the whole of
an edit. `texts` finds texts and replaces them. `packyard.packs.values` is the door.
"""
