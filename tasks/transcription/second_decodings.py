"""Second decodings of a chunk: which windows need one, in which way each is done, and which hypothesis is kept.

Pure but for the engine that the `Decoder` calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tasks.engines.spec import Capabilities
from tasks.intervals import Span, clip
from tasks.transcription.decoding import Decoder
from tasks.transcription.hallucinations import find_looping_stretches
from tasks.transcription.holes import Hole, fill, find_holes
from tasks.transcription.hypothesis import (
    MIN_AGREEMENT,
    MIN_AGREEMENT_ANEW,
    Hypothesis,
    dispute,
    reconcile,
)
from tasks.transcription.options import PIECE_OPTIONS, RETRY_OPTIONS, Options, select_options
from tasks.transcription.prompts import choose_without_prompt, echoes_prompt
from tasks.transcription.rates import is_sparse
from tasks.transcription.speech import Packing, Window, cut_at_quietest, pack_windows
from tasks.transcription.words import DecodedWord

HOLE_PAD_S = 0.2
"""Seconds of sound around the speech of a hole."""


@dataclass(slots=True)
class SecondDecodings:
    """Decodes windows of one chunk again and replaces their hypotheses in the lists it is given."""

    decoder: Decoder
    speech: Sequence[Span]
    options: Options
    """Of the first decoding."""
    can: Capabilities
    seconds: float = 0.0
    """Decoded again in all."""
    doubtful: set[int] = field(default_factory=set)
    """Indices of windows whose loops no second decoding confirmed."""
    rejected: Sequence[Span] = ()
    """Spans of windows whose text was dropped."""
    _tried: set[Span] = field(default_factory=set)
    """Speech of the holes that were decoded."""

    def redecode_echoes(self, windows: Sequence[Window], hypotheses: list[Hypothesis]) -> None:
        """Decode windows whose text is the prompt or the hotwords without them."""
        prompt = " ".join(p for key in ("initial_prompt", "hotwords") if (p := self.options.get(key)))
        odd = [i for i, h in enumerate(hypotheses) if echoes_prompt(h.words, prompt)]
        plain = self._change({"initial_prompt": None, "hotwords": None})
        for i, other in self._decode(odd, windows, plain):
            hypotheses[i] = choose_without_prompt(hypotheses[i], other)

    def redecode_repetitive(self, windows: Sequence[Window], hypotheses: list[Hypothesis]) -> set[int]:
        """Decode windows with a loop, their own or shared with their neighbours, in pieces; return their indices."""
        spans = [w.span for w in windows]
        repetitive = find_looping_stretches([w for h in hypotheses for w in h.words], spans)
        repetitive |= {i for i, h in enumerate(hypotheses) if h.is_repetitive}
        for i, other in self._decode_in_pieces(sorted(repetitive), windows):
            hypotheses[i], is_doubtful = reconcile(hypotheses[i], other)
            if is_doubtful:
                self.doubtful.add(i)
        return repetitive

    def redecode_unsure(
        self, windows: Sequence[Window], hypotheses: list[Hypothesis], besides: set[int]
    ) -> dict[int, Hypothesis]:
        """Decode unsure windows, and those whose words are faster than anybody speaks, unbatched and with time
        tokens; return the hypotheses that were not chosen, by the indices of their windows.

        None with an engine that would find the same again. Translations are not decoded again for being unsure:
        their confidence does not say which of two is better.
        """
        others: dict[int, Hypothesis] = {}
        if not self.can.redecodes:
            return others
        is_spoken = not self.options.get("into_english", False)
        odd = [
            i
            for i, h in enumerate(hypotheses)
            if ((h.is_unsure and is_spoken) or not h.is_sayable) and i not in besides
        ]
        for i, other in self._decode(odd, windows, self._change(RETRY_OPTIONS)):
            hypotheses[i], others[i] = sorted([hypotheses[i], other], key=lambda h: h.worse_key)
        return others

    def compare_doubtful(
        self, windows: Sequence[Window], hypotheses: list[Hypothesis], others: Mapping[int, Hypothesis]
    ) -> None:
        """Compare doubtful texts with another decoding: one of the `others`, by index, or a new one in order."""
        odd = [i for i, h in enumerate(hypotheses) if self.can.redecodes and h.is_doubtful]
        new = [i for i in odd if i not in others]
        known = {**others, **dict(self._decode(new, windows, self._change(RETRY_OPTIONS)))}
        for i in odd:
            anew = any(clip(self.rejected, piece) for piece in windows[i].pieces)
            hypotheses[i] = dispute(hypotheses[i], known[i], MIN_AGREEMENT_ANEW if anew else MIN_AGREEMENT)

    def redecode_sparse(self, windows: Sequence[Window], hypotheses: list[Hypothesis], besides: set[int]) -> None:
        """Decode windows in pieces whose words are too few for their speech, where the words' times are shares of the
        speech: between such words left-out speech leaves no hole."""
        odd = [
            i
            for i, (w, h) in enumerate(zip(windows, hypotheses, strict=True))
            if h.has_shared_times and is_sparse(h.words, self._measure_speech_s(w)) and i not in besides
        ]
        for i, other in self._decode_in_pieces(odd, windows):
            hypotheses[i] = min(hypotheses[i], other, key=lambda h: h.worse_key)

    def _measure_speech_s(self, window: Window) -> float:
        return sum(s.duration_s for piece in window.pieces for s in clip(self.speech, piece))

    def fill_holes(self, words: Sequence[DecodedWord], max_s: float) -> list[DecodedWord]:
        """Decode speech without words, each hole once; add the words of reliable hypotheses, in order of time."""
        holes = [h for h in find_holes(words, self.speech, self.decoder.within) if h.speech[0] not in self._tried]
        self._tried |= {s for hole in holes for s in hole.speech}
        windows = [w for hole in holes for w in self._pack_hole(hole, max_s)]
        found = [h for _, h in self._decode(range(len(windows)), windows, self.options)]
        odd = [i for i, h in enumerate(found) if h.is_repetitive or not h.is_sayable]
        unproven = set()
        for i, other in self._decode_in_pieces(odd, windows):
            found[i], is_doubtful = reconcile(found[i], other)
            if is_doubtful and (found[i].is_repetitive or not found[i].is_sayable):
                unproven.add(i)
        proven = [i for i, h in enumerate(found) if not h.is_unsure and i not in unproven]
        likely = [found[i] for i in proven]
        self.compare_doubtful([windows[i] for i in proven], likely, {})
        return fill(words, [w for h in likely if not h.is_invented for w in h.words])

    def _pack_hole(self, hole: Hole, max_s: float) -> list[Window]:
        packing = Packing(max_s, pad_s=HOLE_PAD_S)
        return pack_windows(hole.speech, hole.room, packing, cut_at_quietest(self.decoder.samples))

    def _change(self, options: Options) -> Options:
        """Change options of the first decoding, as far as the engine takes them."""
        return self.options | select_options(options, self.can)

    def _decode(
        self, odd: Sequence[int], windows: Sequence[Window], options: Options
    ) -> list[tuple[int, Hypothesis]]:
        """Decode the windows of these indices; return each index with its hypothesis."""
        self.seconds += sum(windows[i].duration_s for i in odd)
        return list(zip(odd, self.decoder.decode([windows[i] for i in odd], options), strict=True))

    def _decode_in_pieces(self, odd: Sequence[int], windows: Sequence[Window]) -> list[tuple[int, Hypothesis]]:
        """Decode the windows of these indices in pieces; return each index with its hypothesis."""
        self.seconds += sum(windows[i].duration_s for i in odd)
        options = self._change(PIECE_OPTIONS)
        found = self.decoder.decode_in_pieces([windows[i] for i in odd], self.speech, options)
        return list(zip(odd, found, strict=True))
