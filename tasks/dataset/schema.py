"""The six tables, and those that not every recording has: one schema.

From it schema.json and README.md's data dictionary are generated. A column is written here once: name, type, whether
it may be null, unit, meaning. pyarrow is imported only when a schema is asked for.

The rule for changes. `SCHEMA_VERSION` says what the columns of a file mean; it stands in `recordings.schema_version`,
in schema.json and in every file's own metadata. Files of all versions lie in one dataset, so:

- A column may be added without a new version, if it may be null. Readers take it for null in older files, and leave
  columns alone that they don't know.
- A name, once used, keeps its type, unit and meaning for ever. What needs another gets a new name; the old column is
  null from then on.
- Whatever makes a reader of today's columns wrong (a column no longer written, rows that mean something else, another
  order) raises the version by one, and versions.py learns to turn tables of the version before into today's, with a
  test on a file written by hand in the older form. Tables of a later version are refused.
- `recording_id`, `run_id`, `schema_version` and the folders (`<table>/recorded_date=…/<recording_id>.parquet`) stay:
  by them a reader of any version finds out what it has before it.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, NamedTuple

from tasks.records import STEPS

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_VERSION = 1

EMBEDDING_SIZE = 256
"""Values of an embedding in the tables. Those of most models (TitaNet: 192) are shorter and padded with zeros,
which changes neither length nor angle: Arrow and Polars refuse a dataset whose files differ in the size of a
fixed-size list."""


class Column(NamedTuple):
    name: str
    type: str
    meaning: str
    unit: str = ""
    nullable: bool = False


def _null(name: str, type_: str, meaning: str, unit: str = "") -> Column:
    return Column(name, type_, meaning, unit, nullable=True)


RECORDING_ID = Column("recording_id", "string", "The recording: a slug of its name and the start of its SHA-256.")
RUN_ID = Column("run_id", "string", "The run that wrote the row; the same in all tables of a recording.")
_IDS = (RECORDING_ID, RUN_ID)
_SPAN = (
    Column("start_s", "double", "Start, from the recording's start.", "s"),
    Column("end_s", "double", "End, from the recording's start.", "s"),
)
_AT = _null("start_at", "timestamp", "Start as a point in time; null where the recording's start isn't known.", "UTC")
_CHANNEL = Column("channel", "int32", "Channel of the recording, from 0; 0 where channels are mixed.")
_SPEAKER = _null(
    "speaker",
    "string",
    "SPEAKER_00, … by first appearance; UNKNOWN where not told; null with diarization off.",
)
_SPEAKER_NAME = _null("speaker_name", "string", "Name of the person, where known.")
_VOICE_ID = _null("voice_id", "string", "The voice across recordings, where known.")
_CONFIDENCE = _null("confidence", "float", "Confidence of the recogniser.", "0–1")
_SPEAKER_CONFIDENCE = _null("speaker_confidence", "float", "Confidence that the speaker is right.", "0–1")


def _costs(step: str) -> tuple[Column, ...]:
    return (
        _null(f"{step}_s", "double", f"Work of {step}; null where it did not run.", "s"),
        _null(f"{step}_cached", "bool", f"The result of {step} came from the cache."),
        _null(f"{step}_wait_s", "double", f"Waiting of {step} for its engine.", "s"),
        _null(f"{step}_peak_mb", "double", f"Peak memory of the engine's process during {step}.", "MiB"),
    )


TABLES: dict[str, tuple[str, tuple[Column, ...]]] = {
    "recordings": (
        "A recording; its presence says that all other tables are complete.",
        (
            *_IDS,
            Column("status", "string", "complete, or partial where a chunk failed."),
            Column("source_name", "string", "Name of the file, or of the folder of several taken together."),
            Column("sha256", "string", "Digest of the bytes, hexadecimal."),
            Column("size_bytes", "int64", "Size of the file or files.", "bytes"),
            Column("parts", "parts", "The files in their order: name, sha256, start_s, duration_s."),
            Column("duration_s", "double", "Length of the recording.", "s"),
            Column("sample_rate_hz", "int32", "Sample rate of the source.", "Hz"),
            Column("channels", "int32", "Channels of the source."),
            Column("codec", "string", "Codec of the source."),
            _null("recorded_at", "timestamp", "When the recording starts, where known.", "UTC"),
            _null(
                "recorded_at_source",
                "string",
                "Where that comes from: given, sidecar, name, metadata or mtime.",
            ),
            Column("timezone", "string", "IANA zone that recorded_date is told in."),
            _null("language", "string", "Code of the spoken language; of most of the speech where it changes."),
            _null(
                "language_confidence",
                "float",
                "Share of the speech that is expected to be in the language; null where it was given.",
                "0–1",
            ),
            _null(
                "num_speakers",
                "int32",
                "Speakers told apart, UNKNOWN not counted; null with diarization off.",
            ),
            Column("speech_s", "double", "Speech by the speech map.", "s"),
            Column("num_words", "int32", "Rows in words."),
            Column("num_segments", "int32", "Rows in segments."),
            Column("num_chunks", "int32", "Rows in chunks."),
            Column("profile", "string", "Profile of the run: standard, light or demo."),
            Column("models", "string", "The models by step, as JSON."),
            Column("settings", "string", "The settings of the run, as JSON."),
            Column("settings_digest", "string", "SHA-256 of the settings that change the result, hexadecimal."),
            Column("pipeline_version", "string", "Version of Daylong."),
            Column("schema_version", "int32", "Version of these tables."),
            Column("processed_at", "timestamp", "When the run took place.", "UTC"),
            Column("wall_s", "double", "Time that the run took.", "s"),
        ),
    ),
    "segments": (
        "A stretch of one speaker's words.",
        (
            *_IDS,
            Column("segment_index", "int32", "Place in the recording, from 0."),
            *_SPAN,
            _AT,
            _CHANNEL,
            _SPEAKER,
            _SPEAKER_NAME,
            _VOICE_ID,
            Column("text", "string", "The words as displayed."),
            _null("language", "string", "Code of the language of its words."),
            Column("num_words", "int32", "Words in the segment."),
            _CONFIDENCE,
            _SPEAKER_CONFIDENCE,
            Column("has_overlap", "bool", "Somebody else speaks at the same time in part of it."),
        ),
    ),
    "words": (
        "A word.",
        (
            *_IDS,
            Column("word_index", "int32", "Place in the recording, from 0."),
            _null("segment_index", "int32", "The segment it stands in."),
            *_SPAN,
            _AT,
            _CHANNEL,
            Column("word", "string", "As displayed, with punctuation."),
            Column(
                "word_raw",
                "string",
                "Lower case, no punctuation: what one searches; where transcription.replacements changed "
                "a word, what was heard.",
            ),
            _SPEAKER,
            _CONFIDENCE,
            _SPEAKER_CONFIDENCE,
            Column("is_overlap", "bool", "Somebody else speaks at the same time."),
            Column("chunk_index", "int32", "The chunk it was heard in."),
            _null("local_speaker", "string", "The chunk's own label of the speaker, for audit."),
            _null(
                "space_before",
                "bool",
                "Whether a blank stands before the word, unless it begins a segment; null (older files): true.",
            ),
            _null("language", "string", "Code of the language it was recognised in."),
            _null(
                "times",
                "string",
                "How start and end were found: engine (by the recogniser), aligned (by an aligner) or fast (shared "
                "out by length); null (older files): engine.",
            ),
            _null(
                "edited",
                "bool",
                "Whether a person corrected it or its speaker (daylong corrections); null (older files): false.",
            ),
        ),
    ),
    "turns": (
        "A diarization turn, words or not.",
        (
            *_IDS,
            Column("turn_index", "int32", "Place in the recording, from 0."),
            *_SPAN,
            _AT,
            _CHANNEL,
            _SPEAKER._replace(meaning="SPEAKER_00, … by first appearance; UNKNOWN where not told.", nullable=False),
            Column("is_overlap", "bool", "Another turn lies over it."),
        ),
    ),
    "speakers": (
        "A speaker of a recording.",
        (
            *_IDS,
            _SPEAKER._replace(meaning="SPEAKER_00, … by first appearance; UNKNOWN where not told.", nullable=False),
            _SPEAKER_NAME,
            _VOICE_ID,
            Column("turn_s", "double", "Length of the speaker's turns.", "s"),
            Column("num_segments", "int32", "Segments of the speaker."),
            Column("num_words", "int32", "Words of the speaker."),
            Column("first_s", "double", "Start of the first appearance.", "s"),
            Column("last_s", "double", "End of the last appearance.", "s"),
            _null(
                "link_margin",
                "float",
                "How much nearer the voice is than the second-best; null for an only speaker.",
                "cosine distance",
            ),
            _null(
                "embedding",
                "embedding",
                "The voice, unit length; zeros fill up the vectors of smaller models.",
            ),
            _null("embedding_model", "string", "The model that measured it; compare within one model only."),
            _null(
                "voice_similarity",
                "float",
                "To what was known of the voice; null where it was new or named by hand.",
                "cosine",
            ),
            _null("maybe_voice_id", "string", "A known voice that this one may be: offered, not taken for it."),
            _null("maybe_name", "string", "The name of that voice."),
        ),
    ),
    "chunks": (
        "A chunk.",
        (
            *_IDS,
            Column("chunk_index", "int32", "Place in the recording, from 0."),
            Column("start_s", "double", "Start of what was decoded.", "s"),
            Column("end_s", "double", "End of what was decoded.", "s"),
            Column("core_start_s", "double", "Start of the core; cores tile the recording.", "s"),
            Column("core_end_s", "double", "End of the core.", "s"),
            Column("status", "string", "complete, no_speech or failed."),
            _null("error", "string", "Why it failed, or which speech it lacks."),
            Column("speech_s", "double", "Speech in the chunk by the speech map.", "s"),
            _null("language", "string", "Code of the language; of most of the speech where it changes."),
            Column("num_words", "int32", "Words that the chunk gave."),
            Column("seam_kept", "int32", "Words kept at the seam with the chunk before."),
            Column("seam_dropped", "int32", "Words that both chunks heard, dropped here."),
            Column("seam_redecoded_s", "double", "Sound decoded again at the seam.", "s"),
            Column("loops_removed", "int32", "Repetition loops taken out."),
            Column("silence_text_removed", "int32", "Words taken out that stood in silence."),
            *(column for step in STEPS for column in _costs(step)),
        ),
    ),
}
"""What every recording has."""

OPTIONAL_TABLES: dict[str, tuple[str, tuple[Column, ...]]] = {
    "translations": (
        "A segment's text in another language; no rows for recordings that are not translated.",
        (
            *_IDS,
            Column("segment_index", "int32", "The segment."),
            Column("language", "string", "Code of the language that it is translated to."),
            Column("text", "string", "Its text in that language; the source's where nothing is translated."),
            _null("engine", "string", "Kind and name of the model that was asked; null where nothing was to do."),
            Column(
                "status",
                "string",
                "translated; partial, where a sentence of it stays in the source's language; untranslated; original, "
                "where nothing was to translate; stale, where a sentence of it was corrected since.",
            ),
        ),
    ),
    "quality": (
        "How good each hour of a recording is, and each speaker in it, without a reference; no rows for recordings "
        "that were processed before there was this table.",
        (
            *_IDS,
            Column("hour_index", "int32", "The hour of the recording, from 0."),
            Column("start_s", "double", "Start of the hour, from the recording's start.", "s"),
            Column("end_s", "double", "Its end, or the recording's.", "s"),
            _AT,
            _null("speaker", "string", "The speaker, or UNKNOWN; null: the whole hour."),
            Column("speech_s", "double", "Speech in it by the turns; with diarization off, by the speech map.", "s"),
            Column("num_words", "int32", "Words in it."),
            _null("expected_wer", "double", "Expected word error rate; null without words.", "0–1"),
            _null(
                "doubtful_share",
                "double",
                "Share of the words whose speaker is UNKNOWN or less than 0.5 sure.",
                "0–1",
            ),
            _null("noise_dbfs", "double", "Noise floor: the sound between speech, the lowest tenth of it.", "dBFS"),
            _null("speech_dbfs", "double", "Level of the speech, as recorded: the median of half seconds.", "dBFS"),
            _null("clipped_share", "double", "Samples of the speech that are cut off at full scale.", "0–1"),
            _null("overlap_share", "double", "Speech at the same time as somebody else's.", "0–1"),
            _null("untranscribed_s", "double", "Speech without words, in stretches of over half a second.", "s"),
            _null("num_ghosts", "int32", "Speakers of less than 30 s in all whose voice is like another's."),
            _null(
                "dead_from_s",
                "double",
                "Start of the longest stretch in which the microphone seems dead; in rows of whole hours.",
                "s",
            ),
            _null("dead_until_s", "double", "Its end; that of the hour where it goes on.", "s"),
            _null("dead_dbfs", "double", "Level in it.", "dBFS"),
        ),
    ),
}
"""Tables in which a recording has no file where there is nothing to say."""

EVERY_TABLE = TABLES | OPTIONAL_TABLES


def schemas() -> dict[str, pa.Schema]:
    """The Arrow schema of each of the six tables."""
    return {table: get_schema(table) for table in TABLES}


@functools.cache
def get_schema(table: str) -> pa.Schema:
    """The Arrow schema of a table; descriptions and units are in the fields' metadata."""
    import pyarrow as pa

    part = pa.struct(
        [
            pa.field("name", pa.string(), nullable=False),
            pa.field("sha256", pa.string(), nullable=False),
            pa.field("start_s", pa.float64(), nullable=False),
            pa.field("duration_s", pa.float64(), nullable=False),
        ]
    )
    types = {
        "string": pa.string(),
        "bool": pa.bool_(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "float": pa.float32(),
        "double": pa.float64(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "parts": pa.list_(pa.field("element", part, nullable=False)),
        "embedding": pa.list_(pa.float32(), EMBEDDING_SIZE),
    }

    def field(column: Column) -> pa.Field:
        metadata = {"description": column.meaning} | ({"unit": column.unit} if column.unit else {})
        return pa.field(column.name, types[column.type], column.nullable, metadata)

    meaning, columns = EVERY_TABLE[table]
    return pa.schema(
        [field(c) for c in columns],
        metadata={"schema_version": str(SCHEMA_VERSION), "table": table, "description": meaning},
    )


def schema_json() -> str:
    """What stands in `<out>/schema.json`: every table and column with type, unit and meaning."""
    tables = {
        table: {
            "description": meaning,
            "columns": [
                {
                    "name": f.name,
                    "type": str(f.type),
                    "nullable": f.nullable,
                    **{k.decode(): v.decode() for k, v in f.metadata.items()},
                }
                for f in get_schema(table)
            ],
        }
        for table, (meaning, _) in EVERY_TABLE.items()
    }
    whole = {"schema_version": SCHEMA_VERSION, "partitioned_by": {"recorded_date": "date"}, "tables": tables}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def data_dictionary() -> str:
    """The same as Markdown, a table each, for README.md beside this module."""
    blocks = []
    for table, (meaning, columns) in EVERY_TABLE.items():
        rows = ["| column | type | null | unit | meaning |", "| --- | --- | --- | --- | --- |"]
        for column, field in zip(columns, get_schema(table), strict=True):
            null = "yes" if column.nullable else ""
            kind = "list of name, sha256, start_s, duration_s" if column.type == "parts" else str(field.type)
            rows.append(f"| {column.name} | {kind} | {null} | {column.unit} | {column.meaning} |")
        blocks.append("\n".join([f"### {table}", "", meaning, "", *rows]))
    return "\n\n".join(blocks) + "\n"
