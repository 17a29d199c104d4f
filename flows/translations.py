"""Translate transcripts as the settings say: refuse what may not be sent, open the service, keep sentences."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tasks.errors import DaylongError, UsageError
from tasks.languages import format_language
from tasks.records import Transcript
from tasks.remote_service import find_host, is_loopback, read_key
from tasks.settings.home import home, translations
from tasks.settings.schema import Settings, TranslationSettings
from tasks.translation.chat_client import ChatClient
from tasks.translation.glossary import Term, read_glossary
from tasks.translation.memory import SentenceMemory
from tasks.translation.translate import Translated, translate

log = logging.getLogger("daylong.translation")

LOG_INTERVAL_S = 30.0
OnSentences = Callable[[str, int, int], None]
"""Called with the language, the sentences that are done, and all of them."""


def check_translation(settings: TranslationSettings) -> tuple[Term, ...]:
    """Read the glossary. Raises UsageError where it can't be read, and where text would leave this machine without
    permission."""
    if not settings.allow_remote and not is_loopback(settings.base_url):
        raise UsageError(
            f"translation.base_url: {find_host(settings.base_url)} is another machine. Only "
            "translation.allow_remote = true lets what was said leave this one"
        )
    if settings.glossary is None:
        return ()
    path = Path(settings.glossary).expanduser()
    return read_glossary(path if path.is_absolute() or path.exists() else home() / path)


@contextmanager
def open_client(settings: TranslationSettings) -> Iterator[ChatClient]:
    """Connect to the service. Raises as `check_translation`, and for a key that no header can have."""
    check_translation(settings)
    key = read_key(settings.api_key_variable)
    client = ChatClient(settings.base_url, settings.model, key, settings.timeout_s, settings.attempts)
    try:
        yield client
    finally:
        client.close()


def translate_to(
    transcript: Transcript, settings: TranslationSettings, languages: Sequence[str], on_sentences: OnSentences
) -> Iterator[Translated]:
    """Yield the translations to each of the languages, as they are done; no further ones after a fault of the
    service."""
    terms = check_translation(settings)
    memory = SentenceMemory(translations() / f"{transcript.recording.recording_id}.jsonl")
    with open_client(settings) as client:
        for language in languages:

            def on_progress(done: int, total: int, language: str = language) -> None:
                on_sentences(language, done, total)

            found = translate(transcript, language, client, terms, memory, on_progress, settings.batch_size)
            yield found
            if found.fault is not None:
                return


def add_translations(transcript: Transcript, found: Sequence[Translated]) -> Transcript:
    """Add translations to a transcript, in place of those to the same languages."""
    replaced = {one.language for one in found}
    kept = [t for t in transcript.translations if t.language not in replaced]
    return replace(transcript, translations=(*kept, *(t for one in found for t in one.translations)))


def translate_in_run(transcript: Transcript, settings: Settings) -> Transcript:
    """Translate a run's transcript to `translation.languages`. A fault of the service is logged: the transcript is
    worth more, and `daylong translate` goes on from there."""
    last = time.monotonic()

    def log_progress(language: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= LOG_INTERVAL_S:
            last = time.monotonic()
            log.info("translation to %s: %d of %d sentences", format_language(language), done, total)

    found: list[Translated] = []
    given = settings.translation
    fault: DaylongError | None = None
    try:
        for one in translate_to(transcript, given, given.languages or (), log_progress):
            found.append(one)
            log.info("%s", describe(one))
            fault = one.fault
    except DaylongError as error:
        fault = error
    if fault is not None:
        wanted = ",".join(given.languages or ())
        name = transcript.recording.recording_id
        log.warning("translation stopped: %s. To go on: daylong translate %s --to %s", fault, name, wanted)
    return add_translations(transcript, found)


def describe(found: Translated) -> str:
    """Describe a translation in one line.

    >>> describe(Translated("de", (), sentences=12, remembered=2, untranslated=1))
    'German (de): 11 of 12 sentences translated (2 before); 1 stays as it was said, marked untranslated'
    """
    done = found.sentences - found.untranslated
    before = f" ({found.remembered} before)" if found.remembered else ""
    stays = "stays" if found.untranslated == 1 else "stay"
    rest = f"; {found.untranslated} {stays} as it was said, marked untranslated" if found.untranslated else ""
    return f"{format_language(found.language)}: {done} of {found.sentences} sentences translated{before}{rest}"
