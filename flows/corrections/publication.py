"""Apply people's corrections to a transcript while it is published, and keep what the machine said beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from flows.locations import resolve_corrections
from tasks.corrections.apply import correct_transcript
from tasks.corrections.log import FactLog, Shown, digest_facts, expect
from tasks.corrections.recount import recount
from tasks.corrections.store import OpenStore, has_log, open_store, read_log
from tasks.records import Transcript
from tasks.settings.home import translations
from tasks.sharing.copies import name_place
from tasks.translation.carry import carry_translations
from tasks.translation.memory import SentenceMemory, compute_said
from tasks.translation.sentences import Sentence


def concerns(log: FactLog, out: str, transcript: Transcript) -> bool:
    """Whether the log has facts on the recording, or its tables may show some."""
    recording = transcript.recording
    return bool(log.of(recording.sha256)) or log.find_shown(out, recording.recording_id) is not None


def apply_known(transcript: Transcript, out: Path | None = None) -> Transcript:
    """A run's transcript with the facts on its sound, as far as they are known now: what is to be translated before
    the store is locked."""
    return correct_transcript(transcript, read_log(resolve_corrections(out)).of(transcript.recording.sha256))[0]


@contextmanager
def correct_words(transcript: Transcript, out: Path, translated: Transcript | None = None) -> Iterator[Transcript]:
    """Yield a run's transcript with the facts on its sound, to be published under `out` in the `with` block.

    `translated`: the transcript that was translated, by `apply_known`; what is yielded has its translations. The
    store is locked during the block where it has facts on the recording. Facts entered by another process since the
    store was looked at are applied by that process, once it finds this run's tables.
    """
    folder, place = resolve_corrections(out), name_place(out)
    if not concerns(read_log(folder), place, transcript):
        yield transcript if translated is None else carry_over(transcript, translated)
        return
    with open_store(folder) as store:
        corrected = begin(store, place, transcript)
        yield corrected if translated is None else carry_over(corrected, translated)
        finish(store, place, transcript)


@contextmanager
def correct_again(out: Path) -> Iterator[OpenStore | None]:
    """Lock the store, where there is one, while published tables are read and written again; None without one."""
    folder = resolve_corrections(out)
    with open_store(folder) if has_log(folder) else nullcontext() as store:
        yield store


def begin(store: OpenStore, out: str, machine: Transcript) -> Transcript:
    """Keep what the machine said, and apply the facts to it."""
    recording, run = machine.recording, machine.run
    facts = store.log.of(recording.sha256)
    if facts:
        store.commit(expect(store.log, out, recording.recording_id, recording.sha256, run.run_id))
        store.keep_machine(out, machine)
    return correct_transcript(machine, facts)[0]


def begin_again(store: OpenStore, out: str, published: Transcript) -> Transcript:
    """Apply the facts to published tables: to what the machine said, where these show facts already. Translations of
    what is still said stay."""
    if not concerns(store.log, out, published):
        return published
    machine = store.restore_machine(out, published)
    if machine is None:
        return carry_over(begin(store, out, published), published)
    corrected = correct_transcript(recount(machine), store.log.of(published.recording.sha256))[0]
    return carry_over(corrected, published, machine)


def carry_over(transcript: Transcript, *sources: Transcript) -> Transcript:
    """The transcript with the translations of `sources`, and of sentences that were translated before: nothing is
    asked of a service."""
    if not any(source.translations for source in sources):
        return replace(transcript, translations=())
    memory: list[SentenceMemory] = []

    def find(sentence: Sentence, language: str, engine: str) -> str | None:
        if not memory:
            memory.append(SentenceMemory(translations() / f"{transcript.recording.recording_id}.jsonl"))
        return memory[0].find_said(compute_said(sentence.text, sentence.language, language, engine))

    return carry_translations(transcript, sources, find)


def finish(store: OpenStore, out: str, published: Transcript) -> None:
    """Note that the published tables show the facts."""
    recording = published.recording
    if concerns(store.log, out, published):
        facts = digest_facts(store.log.of(recording.sha256))
        store.mark_shown(Shown(out, recording.recording_id, recording.sha256, published.run.run_id, facts))
