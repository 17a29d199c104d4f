"""Split a recording into the tracks to transcribe: all channels mixed, or each channel by itself."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from flows.recording.preparation import Run
from flows.reporting.progress import Progress
from tasks.audio.combine import count_channels
from tasks.audio.decode import reference_audio
from tasks.audio.survey import describe_correction
from tasks.audio.task import MapJob, OwnSpeechJob, Watcher, find_own_speech, map_speech
from tasks.contracts import read_correction, read_own_speech, read_speech_map
from tasks.errors import PermanentError
from tasks.intervals import Span
from tasks.paths import format_path
from tasks.records import Audio, Recording
from tasks.step import Manifest

log = logging.getLogger("daylong.audio")


@dataclass(frozen=True, slots=True)
class Track:
    """Audio to transcribe (a mix or one channel) and the speech in it, in the recording's seconds."""

    audio: Audio
    speech: tuple[Span, ...]
    mapped: Manifest | None = None
    """Of the speech map, which has the track's levels."""


def map_tracks(recording: Recording, run: Run, progress: Progress) -> tuple[Manifest, list[Track]]:
    """Map the speech; return (manifest of the map, tracks): one, or one per channel if `audio.channels = separate`.

    Raises PermanentError if channels cannot be speakers: fewer than two, a number that differs between the files or
    doesn't fit the settings.
    """
    if run.settings.audio.channels == "mix":
        audio = reference_audio(recording)
        mapped = map_speech(MapJob(audio, recording.duration_s), run.place, Watcher(progress.count_mapped))
        corrected = _correct(recording, None, mapped)
        return mapped, [Track(corrected, tuple(read_speech_map(run.place.store, mapped)[0]), mapped)]
    _check_channels(recording, run)
    passes = recording.channels + 1  # one over each channel, and one over all together
    watcher = Watcher(lambda seconds: progress.count_mapped(seconds / passes))
    pass_watcher = Watcher(lambda seconds: progress.count_mapped(seconds / passes / recording.channels))
    audios = tuple(reference_audio(recording, channel) for channel in range(recording.channels))
    maps = [map_speech(MapJob(a, recording.duration_s), run.place, watcher) for a in audios]
    audios = tuple(_correct(recording, channel, found) for channel, found in enumerate(maps))
    own = find_own_speech(OwnSpeechJob(audios), run.place, maps, pass_watcher)
    tracks = [
        Track(audio, tuple(speech), found)
        for audio, speech, found in zip(audios, read_own_speech(run.place.store, own), maps, strict=True)
    ]
    _check_speaker_count(recording, run, sum(bool(track.speech) for track in tracks))
    return own, tracks


def _correct(recording: Recording, channel: int | None, mapped: Manifest) -> Audio:
    """Return the reference to the sound as the speech map heard it; log how it was corrected, if at all."""
    correction = read_correction(mapped)
    where = "" if channel is None else f", channel {channel + 1}"
    if lines := describe_correction(correction):
        level = logging.WARNING if correction.weights else logging.INFO
        log.log(level, "%s%s: %s.", format_path(recording.source_name), where, "; ".join(lines))
    return reference_audio(recording, channel, correction)


def _check_channels(recording: Recording, run: Run) -> None:
    """Raise PermanentError for an unsuitable number of channels, before any work."""
    _check_same_channels(recording)
    if recording.channels < 2:
        raise PermanentError(
            f"{format_path(recording.source_name)}: has one channel; audio.channels = separate needs one for each "
            "speaker. Process it with audio.channels = mix."
        )
    least, _ = run.settings.diarization.speaker_range()
    if least is not None and recording.channels < least:
        raise _build_count_error(recording, f"has {recording.channels} channels, but {least} speakers are asked for")


def _check_speaker_count(recording: Recording, run: Run, speaking: int) -> None:
    """Raise PermanentError for speech on more channels than `max_speakers`; silent channels do not count."""
    _, most = run.settings.diarization.speaker_range()
    if most is not None and speaking > most:
        asked = f"at most {most} speaker{' is' if most == 1 else 's are'} asked for"
        raise _build_count_error(recording, f"somebody speaks on {speaking} channels, but {asked}")


def _build_count_error(recording: Recording, what: str) -> PermanentError:
    return PermanentError(
        f"{format_path(recording.source_name)}: {what}: audio.channels = separate finds one in each. Leave the "
        "number away, or set audio.channels = mix."
    )


def _check_same_channels(recording: Recording) -> None:
    """Raise PermanentError if a file has another number of channels than the others."""
    if len(recording.parts) == 1:
        return
    counts = count_channels(recording.parts)
    most = max(counts, key=lambda count: (count > 1, counts.count(count), count))
    others = [(part, count) for part, count in zip(recording.parts, counts, strict=True) if count != most]
    if others:
        part, count = others[0]
        more = f" ({len(others) - 1} more differ{'s' if len(others) == 2 else ''})" if len(others) > 1 else ""
        raise PermanentError(
            f"{format_path(part.name)}: has {count} channel{'' if count == 1 else 's'}, others of "
            f"{format_path(recording.source_name)} have {most}{more}; audio.channels = separate needs as many in "
            f"each. Leave {'it' if len(others) == 1 else 'them'} out, or set audio.channels = mix."
        )
