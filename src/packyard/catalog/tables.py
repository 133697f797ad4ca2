"""The catalog's tables. Every row names its source, the built-in registry among them.

A pack's `uid` is the first 24 hex digits of sha256 over (source uid, name, label), so it stays the
same when the pack is pushed again by force. `packs` holds one row for each version, `pack_tags`
every tag that leads to one, `pack_contents` what people read of it, `pack_names` what names are
searched by; beside that stands a full-text table (`words`). `facets` holds each once what many
versions have in common. Charts of other registries are packs here, too: rows of a source that holds
charts. What a source holds no longer stays as a row with `gone_at`, for those who use it.

`charts` holds one row for each place where a version of a Helm chart stands, `chart_names` when
the index of a name changed last.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from packyard.storage.tables import DIGEST, metadata

sources = Table(
    "sources",
    metadata,
    Column("uid", String(24), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(255), nullable=False, unique=True),
)

packs = Table(
    "packs",
    metadata,
    Column("uid", String(24), primary_key=True),
    Column("source", ForeignKey("sources.uid"), nullable=False),
    Column("name", String(255), nullable=False),
    Column("label", String(128), nullable=False),  # [group__]version, the tag of this version
    Column("group", String(128), nullable=False),
    Column("version", String(128), nullable=False),
    Column("version_key", Text, nullable=False),  # orders as versions do
    Column("display_name", Text, nullable=False),
    Column("layer", String(16), nullable=False),
    Column("addon_type", Text, nullable=False),
    Column("addon_key", Text, nullable=False),  # addon_type without blanks, hyphens and case
    Column("addon_sub_type", Text, nullable=False),
    Column("system_state", String(32), nullable=False),  # "", "deprecated", "deleted"
    Column("annotations", JSON, nullable=False),
    Column("digest", String(135), nullable=False),
    Column("content_digest", String(135), nullable=False),
    Column("archive_digest", String(135), nullable=False),
    Column("size", BigInteger, nullable=False),  # of the archive
    Column("message", Text, nullable=False),
    Column("pushed_by", Text, nullable=False),
    Column("pushed_at", BigInteger, nullable=False),  # microseconds since 1970
    Column("place", Text, server_default="", nullable=False),  # in the source: where it is read
    Column("validator", Text, server_default="", nullable=False),  # by which it is the same there
    Column("gone_at", BigInteger, server_default="0", nullable=False),  # 0: it is there
    Column("clouds", Text, server_default="", nullable=False),  # ",aws,maas,", or "" for none
    Column("facet", Integer, server_default="0", nullable=False),  # the id of its row in `facets`
    UniqueConstraint("source", "name", "label"),
    Index("packs_in_order", "source", "name", "version_key"),
)

# All that is asked of versions stands in these, so that finding them reads nothing else: the first
# two have them in the order of lists, by the last they are counted, and few are found.
_IN_ORDER = (packs.c.name, packs.c.version_key.desc(), packs.c.uid)
Index(
    "packs_shown", packs.c.gone_at, *_IN_ORDER, packs.c.facet, packs.c.version, packs.c.display_name
)
Index("packs_by_digest", packs.c.digest)
Index("packs_by_display_name", packs.c.gone_at, packs.c.display_name, *_IN_ORDER)
Index("packs_by_facet", packs.c.facet, packs.c.gone_at, packs.c.version_key, packs.c.version)

facets = Table(
    "facets",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", ForeignKey("sources.uid"), nullable=False),
    Column("group", String(128), nullable=False),
    Column("layer", String(16), nullable=False),
    Column("addon_key", Text, nullable=False),
    Column("addon_sub_type", Text, nullable=False),
    Column("clouds", Text, nullable=False),
    UniqueConstraint("source", "group", "layer", "addon_key", "addon_sub_type", "clouds"),
)

pack_names = Table(
    "pack_names",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", ForeignKey("sources.uid"), nullable=False),
    Column("name", String(255), nullable=False),
    Column("type", String(16), nullable=False),  # by the kind of its source
    Column("newest", String(24), nullable=False),  # uid of the version that all else is of
    Column("display_name", Text, nullable=False),
    Column("name_key", Text, nullable=False),  # lower case
    Column("display_key", Text, nullable=False),  # lower case
    Column("layer", String(16), nullable=False),
    Column("addon_type", Text, nullable=False),
    Column("addon_key", Text, nullable=False),
    Column("addon_sub_type", Text, nullable=False),
    Column("clouds", Text, nullable=False),
    Column("state", String(32), nullable=False),  # "", "deprecated", "deleted", "disabled"
    Column("origin", Text, nullable=False),
    Column("fips", Text, nullable=False),
    Column("is_chart", Boolean, server_default="0", nullable=False),  # of another source; or a pack
    UniqueConstraint("source", "name"),
    Index("pack_names_in_order", "name", "is_chart", "display_key", "name_key", "type", "layer"),
)

pack_tags = Table(
    "pack_tags",
    metadata,
    Column("source", ForeignKey("sources.uid"), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("tag", String(128), primary_key=True),
    Column("pack", ForeignKey("packs.uid", ondelete="CASCADE"), nullable=False, index=True),
    Column("parent", Boolean, nullable=False),  # moved by the registry itself
)

pack_contents = Table(
    "pack_contents",
    metadata,
    Column("pack", ForeignKey("packs.uid", ondelete="CASCADE"), primary_key=True),
    Column("pack_json", Text, nullable=False),
    Column("values", Text, nullable=False),
    Column("readme", Text, nullable=False),
    Column("schema", Text, nullable=False),
    Column("presets", Text, nullable=False),
    Column("logo", LargeBinary, nullable=False),
    Column("files", JSON, nullable=False),  # [[path, bytes, executable], ...] in order
)

charts = Table(
    "charts",
    metadata,
    Column("source", ForeignKey("sources.uid"), primary_key=True),
    Column("repository", String(255), primary_key=True),
    Column("tag", String(128), primary_key=True),  # of the chart, or of the pack that carries it
    Column("path", String(1024), primary_key=True),  # inside that pack; "" for a chart of its own
    Column("name", String(255), nullable=False),
    Column("version", String(255), nullable=False),
    Column("version_key", Text, nullable=False),  # orders as versions do
    Column("file", String(511), nullable=False),  # name-version, by which it is downloaded
    Column("digest", DIGEST, nullable=False),  # of the archive
    Column("size", BigInteger, nullable=False),  # of the archive
    Column("provenance", DIGEST, nullable=False),  # of the provenance file, "" where there is none
    Column("manifest", DIGEST, nullable=False),
    Column("created_at", BigInteger, nullable=False),  # microseconds since 1970
    Column("entry", Text, nullable=False),  # of the index: a JSON object
    Column("listed", Boolean, nullable=False),  # the one of its file that the index lists
    Index("charts_in_order", "source", "name", "listed", "version_key"),
    Index("charts_by_file", "source", "file"),
)

chart_names = Table(
    "chart_names",
    metadata,
    Column("source", ForeignKey("sources.uid"), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("change", BigInteger, nullable=False),  # counts all changes of the source
    Column("changed_at", BigInteger, nullable=False),  # microseconds since 1970
    Index("chart_names_by_change", "source", "change"),
)
