"""A Helm chart as the pack of a layer: an add-on of one chart, its values under `charts.<name>`."""

from __future__ import annotations

from packyard.errors import ContentRefused
from packyard.packs.charts import read_chart, read_files
from packyard.packs.files import File, Files
from packyard.packs.model import Layer, Pack, PackName
from packyard.packs.values import VALUES, Document
from packyard.packs.yaml.nest import nest
from packyard.packs.yaml.reader import DEFAULT_LIMITS
from packyard.profiles.content import PackContent


def chart_as_pack(archive: bytes) -> tuple[PackContent, Files]:
    """What it holds, and the files to render it from.

    Raises `ContentRefused` where Helm could not load it.
    """
    chart, findings = read_chart(archive)
    if chart is None:
        raise ContentRefused("Helm cannot load the chart.", findings)
    path = f"charts/{chart.file}.tgz"
    text = read_files(archive, [VALUES]).get(VALUES, b"").decode("utf-8", "replace")
    document, _ = Document.parse(text)
    values = nest(text, document.data, ("charts", chart.name), DEFAULT_LIMITS) if document else ""
    pack = Pack(
        name=PackName(chart.name),
        display_name=chart.name,
        version=chart.version,
        layer=Layer.ADDON,
        cloud_types=("all",),
        charts=(path,),
    )
    return PackContent(pack=pack, values=values), {path: File(archive)}
