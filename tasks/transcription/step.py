"""Transcribe one chunk: decode its windows of speech, retry unreliable ones, and put the words in order.

Pure but for `ask`, which calls the engine: `ask("transcribe", samples, stretches, language, options)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.engines import registry
from tasks.engines.spec import Capabilities
from tasks.intervals import Span, clip
from tasks.settings.schema import TranscriptionSettings
from tasks.transcription.decoding import (
    MIN_AGREEMENT,
    MIN_AGREEMENT_ANEW,
    Decoder,
    EngineCall,
    Hypothesis,
    Options,
    dispute,
    reconcile,
)
from tasks.transcription.hallucinations import cut_loops, find_looping_stretches, select_near_speech
from tasks.transcription.holes import Hole, find_holes
from tasks.transcription.prompts import choose_without_prompt, echoes_prompt
from tasks.transcription.rates import is_sparse
from tasks.transcription.speech import Packing, Window, cut_at_quietest, pack_windows
from tasks.transcription.words import DecodedWord, trim_words

SILENCE_SLACK_S = 0.5
"""Seconds: a word further from any speech is a hallucination and dropped."""
HOLE_PAD_S = 0.2
HOLE_ROUNDS = 2
"""A hole of several sentences may lose one of them again."""
PIECE_OPTIONS: dict[str, Any] = {"batch_size": 1, "beam_size": 5, "condition_on_previous_text": False}
"""Options for decoding a window with repetitions in pieces: no n-gram is blocked, so that repetitions that were
spoken can be found again."""
RETRY_OPTIONS: dict[str, Any] = PIECE_OPTIONS | {"no_repeat_ngram_size": 4}
"""Options for decoding an unreliable window again: unbatched, with time tokens, no 4-gram of tokens twice."""


@dataclass(frozen=True, slots=True)
class ChunkWords:
    """Words, times in seconds from the start of the samples; counts of what was removed; seconds decoded twice."""

    words: tuple[DecodedWord, ...] = ()
    loops_removed: int = 0
    silence_text_removed: int = 0
    """Words dropped because they lie outside speech."""
    redecoded_s: float = 0.0


def transcribe_chunk(
    samples: NDArray[np.float32],
    speech: Sequence[Span],
    language: str | None,
    settings: TranscriptionSettings,
    ask: EngineCall,
) -> ChunkWords:
    """Transcribe 16 kHz mono `samples`, shape (n,); `speech` is in seconds from their start, all in one language.

    All windows are decoded in batches. Those whose text is unsure, repetitive, too fast for a mouth or an echo of
    the prompt are decoded a second time, each in the way that its fault asks for, and the expected number of right
    words decides between both; a text that stays more likely wrong than right is dropped, and a doubtful one of which
    another decoding has less than half. Speech without words is decoded by itself. Repetitions found by both
    decodings are kept; others are reduced to one occurrence.
    """
    can = registry.find("transcription", settings.engine).capabilities
    longest_s = min(settings.max_speech_s, can.longest_s or settings.max_speech_s)
    decoder = Decoder(samples, language, ask)
    windows = pack_windows(speech, decoder.within, Packing.for_longest(longest_s), cut_at_quietest(samples))
    if not windows:
        return ChunkWords()
    again = _Again(decoder, speech, build_decoding_options(settings, can), can)
    hypotheses = decoder.decode(windows, again.options)
    again.without_prompt(windows, hypotheses)
    repetitive = again.in_pieces(windows, hypotheses)
    others = again.in_order(windows, hypotheses, besides=repetitive)
    if not settings.into_english:  # a translation may have fewer words than the speech
        again.where_sparse(windows, hypotheses, besides=repetitive)
        again.where_doubtful(windows, hypotheses, others)
    invented = [h.is_invented_translation if settings.into_english else h.is_invented for h in hypotheses]
    words = [w for h, is_invented in zip(hypotheses, invented, strict=True) if not is_invented for w in h.words]
    again.rejected = [w.span for w, is_invented in zip(windows, invented, strict=True) if is_invented]
    near_speech = words
    # Where a word lies tells nothing if its time was shared out, or if it is not the one that was spoken.
    if can.word_times != "none" and not settings.into_english:
        for _ in range(HOLE_ROUNDS):
            words = again.in_holes(words, longest_s)
        near_speech = trim_words(select_near_speech(words, speech, SILENCE_SLACK_S), speech)
    kept, loops_removed = cut_loops(near_speech, [w.span for w in windows], again.doubtful)
    return ChunkWords(tuple(kept), loops_removed, len(words) - len(near_speech), again.seconds)


def build_decoding_options(settings: TranscriptionSettings, can: Capabilities) -> Options:
    """Build the engine's options for the first decoding."""
    options = {
        "batch_size": settings.batch_size,
        "beam_size": settings.beam_size,
        "initial_prompt": settings.initial_prompt,
        "hotwords": settings.hotwords,
        **_hand_terms(settings, can),
        "condition_on_previous_text": settings.condition_on_previous_text,
        **({"into_english": True} if settings.into_english else {}),
    }
    return select_options(options, can)


def _hand_terms(settings: TranscriptionSettings, can: Capabilities) -> Options:
    """The option that takes the vocabulary, beside what it has already: hotwords, else the prompt."""
    if not settings.vocabulary:
        return {}
    key = "hotwords" if can.hotwords else "initial_prompt"
    return {key: join_terms(getattr(settings, key), settings.vocabulary)}


def join_terms(text: str | None, terms: Sequence[str]) -> str:
    """A text for an engine with the terms behind it.

    >>> join_terms("A talk.", ["Istio", "Helm"]), join_terms(None, ["Istio", "Helm"])
    ('A talk. Istio, Helm', 'Istio, Helm')
    """
    return " ".join(filter(None, [text, ", ".join(terms)]))


def select_options(options: Options, can: Capabilities) -> Options:
    """Select the options that an engine takes.

    >>> select_options({"batch_size": 8, "beam_size": 5, "hotwords": None}, Capabilities(beams=True))
    {'beam_size': 5}
    """
    taken = {
        "batch_size": can.batches,
        "beam_size": can.beams,
        "initial_prompt": can.prompt,
        "hotwords": can.hotwords,
        "condition_on_previous_text": can.context,
        "no_repeat_ngram_size": can.redecodes,
        "into_english": can.translates,
    }
    return {key: value for key, value in options.items() if taken[key]}


@dataclass(slots=True)
class _Again:
    """Second decodings of a chunk, which replace hypotheses in their list. `options`: of the first decoding;
    `seconds`: decoded again in all; `doubtful`: indices of windows whose loops no second decoding confirmed;
    `rejected`: spans of windows whose text was dropped."""

    decoder: Decoder
    speech: Sequence[Span]
    options: Options
    can: Capabilities
    seconds: float = 0.0
    doubtful: set[int] = field(default_factory=set)
    rejected: Sequence[Span] = ()
    _tried: set[Span] = field(default_factory=set)

    def without_prompt(self, windows: Sequence[Window], hypotheses: list[Hypothesis]) -> None:
        """Decode windows whose text is the prompt or the hotwords without them."""
        prompt = " ".join(p for key in ("initial_prompt", "hotwords") if (p := self.options.get(key)))
        odd = [i for i, h in enumerate(hypotheses) if echoes_prompt(h.words, prompt)]
        plain = self._change({"initial_prompt": None, "hotwords": None})
        for i, other in self._decode(odd, windows, plain):
            hypotheses[i] = choose_without_prompt(hypotheses[i], other)

    def in_pieces(self, windows: Sequence[Window], hypotheses: list[Hypothesis]) -> set[int]:
        """Decode windows with a loop, their own or shared with their neighbours, in pieces; return their indices."""
        spans = [w.span for w in windows]
        repetitive = find_looping_stretches([w for h in hypotheses for w in h.words], spans)
        repetitive |= {i for i, h in enumerate(hypotheses) if h.is_repetitive}
        odd = sorted(repetitive)
        self.seconds += sum(windows[i].duration_s for i in odd)
        second = self.decoder.decode_in_pieces([windows[i] for i in odd], self.speech, self._change(PIECE_OPTIONS))
        for i, other in zip(odd, second, strict=True):
            hypotheses[i], is_doubtful = reconcile(hypotheses[i], other)
            if is_doubtful:
                self.doubtful.add(i)
        return repetitive

    def in_order(
        self, windows: Sequence[Window], hypotheses: list[Hypothesis], besides: set[int]
    ) -> dict[int, Hypothesis]:
        """Decode unsure windows, and those with rates that nobody can say, unbatched and with time tokens; nothing
        where an engine would find the same again. Of two translations the confidence does not tell the better.
        Return the hypotheses that were not chosen, by their windows' indices."""
        others: dict[int, Hypothesis] = {}
        if not self.can.redecodes:
            return others
        doubts = not self.options.get("into_english", False)
        odd = [
            i for i, h in enumerate(hypotheses) if ((h.is_unsure and doubts) or not h.is_sayable) and i not in besides
        ]
        for i, other in self._decode(odd, windows, self._change(RETRY_OPTIONS)):
            hypotheses[i], others[i] = sorted([hypotheses[i], other], key=lambda h: h.worse_key)
        return others

    def where_doubtful(
        self, windows: Sequence[Window], hypotheses: list[Hypothesis], others: Mapping[int, Hypothesis]
    ) -> None:
        """Compare doubtful texts with another decoding: one of the `others`, by index, or a new one in order."""
        odd = [i for i, h in enumerate(hypotheses) if self.can.redecodes and h.is_doubtful]
        new = [i for i in odd if i not in others]
        known = {**others, **dict(self._decode(new, windows, self._change(RETRY_OPTIONS)))}
        for i in odd:
            anew = any(clip(self.rejected, piece) for piece in windows[i].pieces)
            hypotheses[i] = dispute(hypotheses[i], known[i], MIN_AGREEMENT_ANEW if anew else MIN_AGREEMENT)

    def where_sparse(self, windows: Sequence[Window], hypotheses: list[Hypothesis], besides: set[int]) -> None:
        """Decode windows in pieces whose words, of times that are shares of the speech, are too few for it: what was
        left out leaves no hole between such words."""
        odd = [
            i
            for i, (w, h) in enumerate(zip(windows, hypotheses, strict=True))
            if h.has_shared_times and is_sparse(h.words, self._measure_speech_s(w)) and i not in besides
        ]
        self.seconds += sum(windows[i].duration_s for i in odd)
        second = self.decoder.decode_in_pieces([windows[i] for i in odd], self.speech, self._change(PIECE_OPTIONS))
        for i, other in zip(odd, second, strict=True):
            hypotheses[i] = min(hypotheses[i], other, key=lambda h: h.worse_key)

    def _measure_speech_s(self, window: Window) -> float:
        return sum(s.duration_s for piece in window.pieces for s in clip(self.speech, piece))

    def in_holes(self, words: Sequence[DecodedWord], max_s: float) -> list[DecodedWord]:
        """Decode speech without words, each hole once; add the words of reliable hypotheses, in order of time."""
        holes = [h for h in find_holes(words, self.speech, self.decoder.within) if h.speech[0] not in self._tried]
        self._tried |= {s for hole in holes for s in hole.speech}
        windows = [w for hole in holes for w in self._pack_hole(hole, max_s)]
        found = self.decoder.decode(windows, self.options)
        odd = [i for i, h in enumerate(found) if h.is_repetitive or not h.is_sayable]
        self.seconds += sum(w.duration_s for w in windows) + sum(windows[i].duration_s for i in odd)
        second = self.decoder.decode_in_pieces([windows[i] for i in odd], self.speech, self._change(PIECE_OPTIONS))
        unproven = set()
        for i, other in zip(odd, second, strict=True):
            found[i], is_doubtful = reconcile(found[i], other)
            if is_doubtful and (found[i].is_repetitive or not found[i].is_sayable):
                unproven.add(i)
        proven = [i for i, h in enumerate(found) if not h.is_unsure and i not in unproven]
        likely = [found[i] for i in proven]
        self.where_doubtful([windows[i] for i in proven], likely, {})
        more = [w for h in likely if not h.is_invented for w in h.words]
        more = [w for w in more if not any(w.middle_s in known.span for known in words)]
        return sorted([*words, *more], key=lambda w: (w.start_s, w.end_s))

    def _pack_hole(self, hole: Hole, max_s: float) -> list[Window]:
        packing = Packing(max_s, pad_s=HOLE_PAD_S)
        return pack_windows(hole.speech, hole.room, packing, cut_at_quietest(self.decoder.samples))

    def _change(self, options: Options) -> Options:
        """The options of the first decoding with these instead, as far as the engine takes them."""
        return self.options | select_options(options, self.can)

    def _decode(
        self, odd: Sequence[int], windows: Sequence[Window], options: Options
    ) -> list[tuple[int, Hypothesis]]:
        self.seconds += sum(windows[i].duration_s for i in odd)
        return list(zip(odd, self.decoder.decode([windows[i] for i in odd], options), strict=True))
