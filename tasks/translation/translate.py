"""Translate a transcript: its sentences, by a model, as the text of its segments."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tasks.canonical import canonical
from tasks.errors import DaylongError, MachineFault, PermanentError, TransientError
from tasks.records import Transcript, Translation
from tasks.remote_service import Silence
from tasks.translation import prompt
from tasks.translation.batches import ask_all
from tasks.translation.chat_client import ChatClient
from tasks.translation.checks import find_batch_fault
from tasks.translation.glossary import Term, list_terms
from tasks.translation.memory import SentenceMemory, compute_key, compute_said
from tasks.translation.prompt import BadAnswer, Request
from tasks.translation.sentences import Answer, Sentence, build_sentences, gather, has_letters

log = logging.getLogger("daylong.translation")

MOST_FAILURES = 8
"""So many requests in a row without any answer, and the service is given up."""

OnProgress = Callable[[int, int], None]
"""Called with the sentences that are done, and all of them."""


@dataclass(frozen=True, slots=True)
class Translated:
    """Translations to one language. `fault`: why the rest of it is not translated, where the service failed."""

    language: str
    translations: tuple[Translation, ...]
    sentences: int
    """Those that were to be translated."""
    remembered: int
    """Those of them that were translated before."""
    untranslated: int
    fault: DaylongError | None = None


def translate(
    transcript: Transcript,
    language: str,
    client: ChatClient,
    terms: Sequence[Term] = (),
    memory: SentenceMemory | None = None,
    on_progress: OnProgress = lambda done, total: None,
    most: int = 20,
) -> Translated:
    """Translate all segments; the source stays where no usable answer is had, and is marked.

    `most`: sentences of a request. Raises UsageError where the client names no model, and whatever the client raises
    where its first request fails.
    """
    transcript = canonical(transcript)
    job = _Job(
        build_sentences(transcript), language, client, terms, memory or SentenceMemory(), list_names(transcript)
    )
    wanted = [i for i, s in enumerate(job.sentences) if s.language != language and has_letters(s.text)]
    answers = {i: Answer(s.text, "original") for i, s in enumerate(job.sentences)}
    keys = {i: job.compute_key(i) for i in wanted}
    for i in wanted:
        text = job.memory.find(keys[i])
        answers[i] = Answer(job.sentences[i].text, "untranslated") if text is None else Answer(text, "translated")
    missing = [i for i in wanted if answers[i].status == "untranslated"]
    done, fault = len(wanted) - len(missing), None
    on_progress(done, len(wanted))
    try:
        for found in ask_all(missing, [len(s.text) for s in job.sentences], job.ask, most):
            texts = {i: text for i, text in found.items() if text is not None}
            job.memory.keep({keys[i]: (job.compute_said(i), text) for i, text in texts.items()})
            answers |= {i: Answer(text, "translated") for i, text in texts.items()}
            done += len(found)
            on_progress(done, len(wanted))
    except (TransientError, MachineFault, PermanentError) as error:
        if not job.answered and len(missing) == len(wanted):
            raise
        fault = error
    engine = job.engine if wanted else ""
    return Translated(
        language,
        gather(transcript, job.sentences, answers, language, engine),
        sentences=len(wanted),
        remembered=len(wanted) - len(missing),
        untranslated=sum(answers[i].status == "untranslated" for i in wanted),
        fault=fault,
    )


def list_names(transcript: Transcript) -> tuple[Term, ...]:
    """List the names of the speakers, whole and in their parts: they stay as they are."""
    names = [speaker.name for speaker in transcript.speakers if speaker.name]
    parts = [part for name in names for part in name.split() if len(part) > 2 and part[0].isupper()]
    return tuple(Term(name) for name in dict.fromkeys([*names, *parts]))


class _Job:
    """The sentences of a transcript, and the requests for them."""

    def __init__(
        self,
        sentences: Sequence[Sentence],
        language: str,
        client: ChatClient,
        terms: Sequence[Term],
        memory: SentenceMemory,
        names: Sequence[Term],
    ) -> None:
        self.sentences, self.language, self.client, self.memory = sentences, language, client, memory
        self.terms, self.names = terms, names
        self.answered = False
        self._failures = 0

    def compute_key(self, place: int) -> str:
        around = [self.sentences[i].text for i in (place - 1, place + 1) if 0 <= i < len(self.sentences)]
        sentence = self.sentences[place]
        terms = list_terms(sentence.text, [*self.terms, *self.names], self.language)
        return compute_key(
            version=prompt.VERSION, text=sentence.text, around=around, source=sentence.language, to=self.language,
            model=self.client.model, url=self.client.base_url, terms=[[t.term, t.meant] for t in terms],
        )  # fmt: skip

    @property
    def engine(self) -> str:
        return f"openai/{self.client.model}"

    def compute_said(self, place: int) -> str:
        sentence = self.sentences[place]
        return compute_said(sentence.text, sentence.language, self.language, self.engine)

    def ask(self, places: Sequence[int], fault: str | None) -> Mapping[int, str]:
        """Ask for sentences that stand side by side. Raises BadAnswer, and what the service raises once it has failed
        MOST_FAILURES times in a row."""
        chosen = tuple(self.sentences[i] for i in places)
        text = "\n".join(s.text for s in chosen)
        own = list_terms(text, self.terms, self.language)
        names = list_terms(text, self.names, self.language)
        before, after = prompt.list_context(self.sentences, places[0], places[-1])
        keep = dict.fromkeys(t.term for t in (*own, *names) if t.meant is None)
        request = Request(
            self.language, chosen, before, after,
            terms=tuple((t.term, t.meant) for t in own if t.meant is not None), keep=tuple(keep),
        )  # fmt: skip
        try:
            answer = self.client.complete(prompt.write_messages(request, fault))
        except (Silence, PermanentError) as error:
            self._failures += 1
            if self._failures >= MOST_FAILURES:
                raise
            raise BadAnswer(str(error)) from None
        self._failures, self.answered = 0, True
        texts = prompt.read_answer(answer)
        kept = [[t.term for t in list_terms(s.text, own, self.language) if t.meant is None] for s in chosen]
        around = [s.text for s in (*before, *after)]
        if found := find_batch_fault([s.text for s in chosen], texts, self.language, kept, around):
            log.debug("an answer of %d sentences is refused: %s", len(places), found.partition(":")[0])
            raise BadAnswer(found)
        return {place: texts[number] for number, place in enumerate(places, 1)}
