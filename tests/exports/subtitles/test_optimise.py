"""The optimiser: every word once, in order and in time, and no rule broken that some division would keep."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.exports.cue_timing import Cue
from tasks.exports.subtitles import rules
from tasks.exports.subtitles.atoms import Atom
from tasks.exports.subtitles.costs import Speech, read_atoms
from tasks.exports.subtitles.optimise import assemble, make_cues
from tasks.exports.subtitles.present import list_shown_lines
from tasks.exports.subtitles.profile import BBC, NETFLIX, PROFILES, SOCIAL, SubtitleProfile
from tasks.exports.subtitles.rules import find_broken
from tasks.exports.subtitles.width import count_columns

profiles = st.sampled_from([*PROFILES.values(), NETFLIX.change({"speakers": "label"}), BBC.change({"lines": 3})])
WORDS = {
    "en": [" I", " the", " house", " and", " went", " home.", " Smith,", " extraordinarily", " of", " 12"],
    "de": [" ich", " der", " Donaudampfschifffahrtsgesellschaft", " und", " heim.", " an"],
    "ja": ["今日", "は", "とても", "良い", "天気", "ですね。", "「散歩", "ましょう」"],
    "ar": [" مرحبا،", " كيف", " حالك؟"],
    None: [" " + "x" * 50, " a", " 3.5%"],
}


@st.composite
def speech(draw: st.DrawFn, most: int = 25) -> list[Atom]:
    """Words of one to three speakers, of any length, rate, language and pause; they may overlap a little."""
    atoms, at = [], draw(st.integers(0, 3_000))
    speaker, language = "A", draw(st.sampled_from(list(WORDS)))
    for _ in range(draw(st.integers(1, most))):
        if draw(st.integers(0, 4)) == 0:
            speaker = draw(st.sampled_from(["A", "B", "Dr. Name"]))
        text = draw(st.sampled_from(WORDS[language]))
        length = draw(st.integers(1, 900))
        atoms.append(Atom(at, at + length, text, speaker, language))
        at += length + draw(st.sampled_from([-length // 2, 0, 0, 0, 30, 250, 700, 1_400, 1_600, 6_000]))
    return atoms


def shown(cues: list[Cue], profile: SubtitleProfile) -> list[Cue]:
    return [replace(cue, lines=list_shown_lines(cue, profile)) for cue in cues]


def squeeze(text: str) -> str:
    return "".join(text.split())


@settings(max_examples=60, deadline=None)
@given(speech(), profiles, st.integers(0, 5_000))
def test_every_word_is_in_one_cue_in_order_and_never_long_before_it_is_said(
    atoms: list[Atom], profile: SubtitleProfile, after: int
) -> None:
    end_ms = max(a.end_ms for a in atoms) + after
    cues = make_cues(atoms, profile, end_ms)
    assert squeeze("".join("".join(c.lines) for c in cues)) == squeeze("".join(a.text for a in atoms))
    at = 0
    for cue in cues:
        first, size = atoms[at], 0
        while size < len(squeeze("".join(cue.lines))):
            size += len(squeeze(atoms[at].text))
            at += 1
        held = atoms[atoms.index(first) : at] if first in atoms else []
        assert cue.start_ms >= first.start_ms - profile.lead_ms
        assert 0 < cue.end_ms - cue.start_ms <= profile.max_ms
        assert len(cue.lines) <= profile.lines
        room = profile.limits_of(first.language).columns
        for line in list_shown_lines(cue, profile):
            assert count_columns(line) <= room or any(squeeze(line).endswith(squeeze(a.text)) for a in held)
    assert all(a.end_ms <= b.start_ms for a, b in pairwise(cues))


@settings(max_examples=60, deadline=None)
@given(speech(), profiles, st.integers(0, 5_000))
def test_a_cue_that_is_too_fast_is_shown_for_all_the_time_there_is(
    atoms: list[Atom], profile: SubtitleProfile, after: int
) -> None:
    end_ms = max(a.end_ms for a in atoms) + after
    cues = shown(make_cues(atoms, profile, end_ms), profile)
    for one in find_broken(cues, profile, atoms[0].language):
        cue = cues[one.cue]
        follows = cues[one.cue + 1].start_ms - profile.gap_ms if one.cue + 1 < len(cues) else end_ms
        if one.rule in ("speed", "short"):
            assert cue.end_ms >= min(follows, cue.start_ms + profile.max_ms)
        else:
            assert one.rule in ("columns", "gap", "open gap")


def count_others(cues: list[Cue], profile: SubtitleProfile, language: str | None) -> int:
    """Broken rules other than reading speed, which people who speak fast break whatever the cues."""
    return sum(one.rule != "speed" for one in find_broken(shown(cues, profile), profile, language))


def fits(cues: list[Cue], atoms: list[Atom], profile: SubtitleProfile) -> bool:
    """Whether the cues have no more lines than they may, and only single words are wider than a line."""
    words = {a.text.strip() for a in atoms}
    room = profile.limits_of(atoms[0].language).columns
    return all(
        len(cue.lines) <= profile.lines and (not cue.speakers or profile.speakers != "none") for cue in cues
    ) and all(
        count_columns(shown_line) <= room or line in words
        for cue in cues
        for shown_line, line in zip(list_shown_lines(cue, profile), cue.lines, strict=True)
    )


def list_divisions(atoms: list[Atom], s: Speech, speakers: int) -> list[list[int]]:
    """Every division into cues of at most so many speakers that ends a cue at every long pause."""
    n = len(atoms)
    must = {i for i in range(1, n) if s.hard[i]}
    found = []
    for size in range(n):
        for some in combinations(range(1, n), size):
            ends = [*some, n]
            parts = [atoms[i:j] for i, j in zip([0, *ends], ends, strict=False)]
            if must <= set(ends) and all(
                sum(a.speaker != b.speaker for a, b in pairwise(p)) < speakers for p in parts
            ):
                found.append(ends)
    return found


@settings(max_examples=40, deadline=None)
@given(speech(most=7), st.sampled_from([NETFLIX, BBC, SOCIAL, NETFLIX.change({"columns": 14, "min_ms": 1_500})]))
def test_no_division_breaks_fewer_rules(atoms: list[Atom], profile: SubtitleProfile) -> None:
    starts = [a.start_ms for a in atoms]
    atoms = [a for a, before in zip(atoms, [-1, *starts], strict=False) if a.start_ms > before]
    end_ms = max(a.end_ms for a in atoms) + 500
    s = read_atoms(atoms, profile, end_ms)
    language = atoms[0].language
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "TOLERANCE_MS", 0)
        divisions = [assemble(atoms, s, ends, profile) for ends in list_divisions(atoms, s, min(2, profile.lines))]
        best = min(count_others(cues, profile, language) for cues in divisions if fits(cues, atoms, profile))
        assert count_others(make_cues(atoms, profile, end_ms), profile, language) <= best


def say(text: str, start_ms: int = 0, cps: float = 14.0, speaker: str | None = "A") -> list[Atom]:
    """Words of a text, spoken at an even rate."""
    atoms, at = [], float(start_ms)
    for word in text.split():
        length = 1000 * (len(word) + 1) / cps
        atoms.append(Atom(round(at), round(at + length), f" {word}", speaker, "en"))
        at += length
    return atoms


def make(atoms: list[Atom], profile: SubtitleProfile = NETFLIX) -> list[Cue]:
    return make_cues(atoms, profile, atoms[-1].end_ms + 5_000)


def test_cues_end_with_sentences_and_lines_before_conjunctions() -> None:
    text = "We went up the hill because the road was closed. Then it began to rain, and nobody had brought a coat."
    assert [c.lines for c in make(say(text))] == [
        ("We went up the hill", "because the road was closed."),
        ("Then it began to rain,", "and nobody had brought a coat."),
    ]


def test_an_article_stays_with_its_noun_and_a_first_name_with_the_surname() -> None:
    for text in (
        "Tomorrow we shall meet with Margaret Henderson at the museum",
        "They had all been looking at the sea",
    ):
        for cue in make(say(text), NETFLIX.change({"columns": 24})):
            assert not any(line.endswith((" the", "Margaret")) for line in cue.lines)


def test_what_fits_in_one_line_is_one_line() -> None:
    assert [c.lines for c in make(say("One two three, four five six."))] == [("One two three, four five six.",)]


def test_a_short_cue_stays_long_enough_and_a_short_gap_is_closed() -> None:
    first, second = make([*say("No.", 0), *say("I never said that to anybody.", 1_600, speaker="B")])
    assert first.end_ms - first.start_ms >= 833
    third, fourth = make([*say("I never said that to anybody.", 0), *say("Well, you did.", 2_500, speaker="B")])
    assert fourth.start_ms - third.end_ms == NETFLIX.gap_ms
    assert second.start_ms == 1_600 - NETFLIX.lead_ms


def test_two_who_speak_quickly_one_after_the_other_share_a_cue_with_dashes() -> None:
    (cue,) = make([*say("Really?", 0), *say("Yes.", 450, speaker="B")])
    assert (cue.speaker, cue.speakers) == ("A", ("A", "B"))
    assert list_shown_lines(cue, NETFLIX) == ("- Really?", "- Yes.")
    labelled = NETFLIX.change({"speakers": "label"})
    (cue,) = make([*say("Really?", 0), *say("Yes.", 450, speaker="B")], labelled)
    assert list_shown_lines(cue, labelled) == ("A: Really?", "B: Yes.")


def test_japanese_has_lines_of_13_full_width_characters_and_none_begins_with_a_mark() -> None:
    words = ["今日は", "とても", "良い", "天気", "ですね", "。", "散歩に", "行き", "ましょう", "か", "。"] * 4
    atoms = [Atom(400 * i, 400 * i + 400, w, "A", "ja") for i, w in enumerate(words)]
    for cue in make(atoms):
        assert all(count_columns(line) <= 26 for line in cue.lines)


def test_social_has_one_short_line() -> None:
    cues = make(say("We went up the hill because the road was closed.", cps=12), SOCIAL)
    assert all(len(c.lines) == 1 and len(c.lines[0]) <= 24 for c in cues)


def test_a_cue_begins_a_little_later_where_the_one_before_can_then_be_read() -> None:
    fast, slow = say("That was said a little too fast.", 0, cps=21.5), say("But this was not.", 1_490, 8.0, "B")
    apart = NETFLIX.change({"lines": 1})
    first, second = make([*fast, *slow], apart)
    assert 1_490 < second.start_ms <= 1_490 + NETFLIX.lag_ms
    assert not find_broken([first, second], apart, "en")
    (_, prompt) = make([*fast, *slow], apart.change({"lag_ms": 0}))
    assert prompt.start_ms <= 1_490
