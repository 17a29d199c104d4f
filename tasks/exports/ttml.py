"""TTML in the IMSC 1.1 Text Profile, a colour for each speaker. Written by ttconv (extra `subtitles`)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from tasks.exports.ass import list_parts
from tasks.exports.extras import require_package
from tasks.exports.subtitles.build import SubtitleStyle, build_subtitles, style_of
from tasks.exports.subtitles.present import choose_colours
from tasks.records import Transcript

if TYPE_CHECKING:
    from ttconv.model import ContentDocument, Region

ROWS, COLUMNS = 15, 32
"""The grid that the size of the font refers to (`ttp:cellResolution`)."""


def write(transcript: Transcript, style: SubtitleStyle | None = None) -> str:
    """Write transcript.ttml; an empty body for a transcript without words."""
    require_package("ttml")
    from ttconv import model
    from ttconv.imsc.attributes import TimeExpressionSyntaxEnum
    from ttconv.imsc.config import IMSCWriterConfiguration
    from ttconv.imsc.writer import from_model
    from ttconv.style_properties import ColorType, StyleProperties

    style = style or style_of(transcript)
    cues = build_subtitles(transcript, style)
    document = model.ContentDocument()
    document.set_lang(transcript.run.language or "")
    document.set_cell_resolution(model.CellResolutionType(rows=ROWS, columns=COLUMNS))
    region = _add_region(document)
    body, division = model.Body(document), model.Div(document)
    body.set_region(region)
    body.push_child(division)
    document.set_body(body)
    colours = {speaker: ColorType((*bytes.fromhex(colour), 255)) for speaker, colour in choose_colours(cues).items()}
    for cue in cues:
        paragraph = model.P(document)
        paragraph.set_begin(Fraction(cue.start_ms, 1000))
        paragraph.set_end(Fraction(cue.end_ms, 1000))
        first = True
        for speaker, lines in list_parts(cue, style.profile):
            for line in lines:
                if not first:
                    paragraph.push_child(model.Br(document))
                first = False
                span = model.Span(document)
                if speaker in colours:
                    span.set_style(StyleProperties.Color, colours[speaker])
                span.push_child(model.Text(document, _clean(line)))
                paragraph.push_child(span)
        division.push_child(paragraph)
    written = from_model(document, IMSCWriterConfiguration(time_format=TimeExpressionSyntaxEnum.clock_time))
    return _to_text(written)


def _to_text(tree: object) -> str:
    import io

    out = io.BytesIO()
    tree.write(out, encoding="utf-8", xml_declaration=True)  # type: ignore[attr-defined]
    return out.getvalue().decode("utf-8") + "\n"


def _clean(text: str) -> str:
    """Text without the characters that XML 1.0 has no place for."""
    return "".join(c for c in text if c not in "\ufffe\uffff")


def _add_region(document: ContentDocument) -> Region:
    """The lower part of the picture, lines at its bottom, centred, white on a half-transparent black."""
    from ttconv import model
    from ttconv.style_properties import (
        ColorType,
        CoordinateType,
        DisplayAlignType,
        ExtentType,
        LengthType,
        StyleProperties,
        TextAlignType,
    )

    def percent(value: float) -> LengthType:
        return LengthType(value, LengthType.Units.pct)

    region = model.Region("bottom", document)
    region.set_style(StyleProperties.Origin, CoordinateType(x=percent(10), y=percent(60)))
    region.set_style(StyleProperties.Extent, ExtentType(width=percent(80), height=percent(35)))
    region.set_style(StyleProperties.DisplayAlign, DisplayAlignType.after)
    region.set_style(StyleProperties.TextAlign, TextAlignType.center)
    region.set_style(StyleProperties.Color, ColorType((255, 255, 255, 255)))
    region.set_style(StyleProperties.BackgroundColor, ColorType((0, 0, 0, 0)))
    document.put_region(region)
    return region
