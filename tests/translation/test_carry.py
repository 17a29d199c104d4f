"""Translations after the words, speakers and borders of segments were corrected."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.canonical import canonical
from tasks.corrections.apply import correct_transcript
from tasks.corrections.facts import Fact, Voice
from tasks.intervals import Span
from tasks.records import Transcript
from tasks.translation.carry import carry_translations
from tasks.translation.sentences import Answer, Sentence, build_sentences, gather, has_letters
from tests.helpers.chat_service import translate_text
from tests.helpers.sample_transcripts import make_transcript

SHA = "0a1b2c3d" * 8
ENGINE = "openai/m"
LINES = ["Good morning, all.", "We meet on", "Monday. At ten. Or at eleven.", "Yes.", "12.", "Yes."]


def make_talk(lines: list[str] = LINES) -> Transcript:
    speakers = ["SPEAKER_00", "SPEAKER_01", "SPEAKER_01"]
    said = [(3.0 * k, speakers[k % 3], line.split()) for k, line in enumerate(lines)]
    return canonical(make_transcript(said, word_s=0.3))


def translate(transcript: Transcript, *languages: str) -> Transcript:
    """As a service that fails in nothing does it."""
    transcript = canonical(replace(transcript, translations=()))
    sentences = build_sentences(transcript)
    answers = {i: translate_sentence(s) for i, s in enumerate(sentences)}
    made = [t for code in languages or ("de",) for t in gather(transcript, sentences, answers, code, ENGINE)]
    return canonical(replace(transcript, translations=tuple(made)))


def translate_sentence(sentence: Sentence) -> Answer:
    if not has_letters(sentence.text):
        return Answer(sentence.text, "original")
    return Answer(translate_text(sentence.text), "translated")


def find_any(sentence: Sentence, language: str, engine: str) -> str:
    return translate_text(sentence.text)


def correct(transcript: Transcript, *facts: Fact) -> Transcript:
    return canonical(correct_transcript(transcript, facts)[0])


def fact(transcript: Transcript, index: int, now: str | None, **more: object) -> Fact:
    segment = transcript.segments[index]
    who = Voice(segment.speaker or "", tuple(t.span for t in transcript.turns if t.speaker == segment.speaker))
    span = Span(segment.start_s, segment.end_s)
    return replace(Fact(SHA, span, was=segment.text, now=now, was_voice=who, number=1), **more)


def read(transcript: Transcript, language: str = "de") -> list[tuple[int, str, str]]:
    return [(t.segment, t.text, t.status) for t in transcript.translations if t.language == language]


def test_what_is_still_said_stays_under_its_new_number_and_what_is_not_is_stale() -> None:
    talk = translate(make_talk(), "de", "fr")
    corrected = correct(talk, fact(talk, 0, ""), fact(talk, 3, "No.", number=2))
    found = carry_translations(corrected, [talk])
    assert read(found) == read(found, "fr")
    assert read(found) == [
        (0, *read(talk)[1][1:]),
        (1, *read(talk)[2][1:]),
        (2, "No.", "stale"),
        (3, "12.", "original"),
        (4, "Sey.", "translated"),
    ]
    assert [t.engine for t in found.translations][:4] == [ENGINE, ENGINE, ENGINE, None]


def test_a_sentence_that_is_changed_in_one_segment_is_stale_in_all_of_them() -> None:
    talk = translate(make_talk())
    corrected = correct(talk, fact(talk, 2, "Tuesday. At ten. Or at eleven."))
    found = carry_translations(corrected, [talk])
    assert read(found)[1:3] == [(1, "We meet on", "stale"), (2, "Tuesday. At ten. Or at eleven.", "stale")]
    assert [row[2] for row in read(found)].count("stale") == 2


def test_sentences_that_were_translated_before_are_not_lost_with_their_neighbour() -> None:
    talk = translate(make_talk())
    corrected = correct(talk, fact(talk, 2, "Monday. At nine. Or at eleven."))

    def find(sentence: Sentence, language: str, engine: str) -> str | None:
        assert (language, engine) == ("de", ENGINE)
        return None if "nine" in sentence.text else translate_text(sentence.text)

    assert read(carry_translations(corrected, [talk], find))[2] == (2, "Yadnom. At nine. Ro ta nevele.", "stale")
    assert read(carry_translations(corrected, [talk], find_any)) == read(translate(corrected))


def test_of_lines_that_say_the_same_each_keeps_its_own() -> None:
    talk = translate(make_talk())
    texts = {3: "Ja.", 5: "Doch."}
    talk = replace(talk, translations=tuple(replace(t, text=texts.get(t.segment, t.text)) for t in talk.translations))
    found = carry_translations(correct(talk, fact(talk, 0, "")), [talk])
    assert [text for _, text, _ in read(found)][2::2] == ["Ja.", "Doch."]


def test_what_is_stale_already_is_looked_up_in_what_was_there_before() -> None:
    talk = translate(make_talk())
    stale = carry_translations(correct(talk, fact(talk, 0, "Good night, all.")), [talk])
    assert read(carry_translations(make_talk(), [stale])) != read(talk)
    assert read(carry_translations(make_talk(), [stale, talk])) == read(talk)


def test_nothing_is_translated_where_nothing_was() -> None:
    assert carry_translations(make_talk(), [make_talk()], find_any).translations == ()


texts = st.sampled_from(["", "No.", "Good morning, all.", "We met. At", "11.", "Yes. Monday.", "at noon."])
edits = st.tuples(st.sampled_from(["words", "split", "join"]), st.integers(0, 5), texts, st.booleans())


@st.composite
def corrections(draw: st.DrawFn) -> tuple[Transcript, list[Fact]]:
    talk = make_talk(draw(st.permutations(LINES)))
    facts = []
    for number, (action, index, now, moves) in enumerate(draw(st.lists(edits, max_size=6)), 1):
        segment = talk.segments[index]
        if action == "words":
            other = Voice("SPEAKER_00", tuple(t.span for t in talk.turns if t.speaker == "SPEAKER_00"))
            made = fact(talk, index, None if moves else now, voice=other if moves else None)
        else:
            at = segment.start_s + 0.3 if action == "split" else segment.end_s + 0.01
            made = fact(talk, index, None, action=action, span=Span(at - 0.01, at + 0.01))
        facts.append(replace(made, number=number))
    return talk, facts


@settings(max_examples=40, deadline=None)
@given(corrections())
def test_whatever_is_edited_no_segment_has_anothers_translation_and_undoing_brings_all_back(
    given_: tuple[Transcript, list[Fact]],
) -> None:
    machine, facts = given_
    talk = translate(machine, "de", "fr")
    corrected = correct(talk, *facts)
    fresh = {(t.segment, t.language): t for t in translate(corrected, "de", "fr").translations}
    found = carry_translations(corrected, [talk])
    assert {(t.segment, t.language) for t in found.translations} == fresh.keys()
    known = {s.text for s in build_sentences(machine)}
    new = {
        index
        for s in build_sentences(corrected)
        if s.text not in known and has_letters(s.text)
        for index, _ in s.parts
    }
    for t in found.translations:
        if t.status != "stale":
            assert t == fresh[t.segment, t.language]
        assert t.segment not in new or t.status == "stale"
    assert read(carry_translations(corrected, [talk], find_any)) == read(translate(corrected))
    assert carry_translations(machine, [found, talk]).translations == talk.translations
    assert carry_translations(machine, [translate(corrected), talk]).translations == talk.translations
