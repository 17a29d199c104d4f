"""A small English in which people can hold a meeting: its words, and a seeded grammar of sentences and dialogues.

The demo models are trained on sentences of this grammar, and the bundled sample is spoken in it. Everything here is
deterministic: the same seed gives the same text on every machine.

>>> plain("Yes, I think Ana sent it on Monday.")
['yes', 'I', 'think', 'Ana', 'sent', 'it', 'on', 'Monday']
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping

NAMES = ("Ana", "Ben", "Carl", "Dora", "Emma", "Frank", "Grace", "Henry")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
MONTHS = ("January", "April", "June", "September", "October")

# One rule a name; alternatives are separated by "|", a name in braces is expanded in turn.
_RULES: dict[str, str] = {
    "NAME": "|".join(NAMES),
    "DAY": "|".join(DAYS),
    "MONTH": "|".join(MONTHS),
    # Nouns by what can be done with them, so that sentences make sense.
    "DOC": "report|draft|contract|invoice|summary|letter|list|schedule|plan|budget|message|design",
    "EVENT": "meeting|review|training|visit|call|presentation|test|release|workshop",
    "ASSET": "website|product|system|database|machine|model|warehouse|office|phone|kitchen",
    "GROUP": "team|customer|supplier|manager|company|bank",
    "STUFF": "invoices|customers|machines|questions|orders|pictures|chairs|computers",
    "TOPIC": "{DOC}|{EVENT}|{ASSET}",
    "NUM": "two|three|five|six|ten|twenty",
    "UNIT": "days|weeks|months|hours|minutes",
    "ADJ": "new|old|first|second|last|final|short|long",
    "STATE": "ready|late|clear|important|good|expensive|cheap|better|wrong|difficult|easy|great",
    "MOOD": "happy|sorry|worried|ready|tired|late|busy",
    # Verbs, by the same groups.
    "V_DOC": "send|read|check|finish|sign|print|share|change|prepare|explain|review",
    "P_DOC": "sent|finished|checked|signed|printed|shared|changed|prepared|explained|found",
    "V_EVENT": "move|start|plan|cancel|prepare|skip",
    "P_EVENT": "moved|started|planned|cancelled|prepared|missed",
    "V_ASSET": "test|fix|open|build|close|buy|sell|show|clean",
    "P_ASSET": "tested|fixed|opened|built|closed|sold|showed|cleaned",
    "V_GROUP": "call|ask|visit|help|pay|meet",
    "P_GROUP": "called|asked|visited|helped|paid|met",
    # Phrases.
    "DET": "the|the|our|your|my|this|their",
    "NP": "{DET} {TOPIC}|{DET} {ADJ} {TOPIC}|{DET} {TOPIC}|the {TOPIC} for {NAME}|the {TOPIC} from {NAME}|"
    "the {TOPIC} from the {GROUP}",
    "DO": "{V_DOC} {DET} {DOC}|{V_DOC} {DET} {ADJ} {DOC}|{V_EVENT} {DET} {EVENT}|{V_EVENT} {DET} {ADJ} {EVENT}|"
    "{V_ASSET} {DET} {ASSET}|{V_ASSET} {DET} {ADJ} {ASSET}|{V_GROUP} the {GROUP}|{V_GROUP} {NAME}|"
    "talk about {NP}|look at {NP}|order {NUM} new {STUFF}|wait for {NP}|move {DET} {EVENT} to {DAY}|"
    "send {DET} {DOC} to {NAME}|send {DET} {DOC} to the {GROUP}|work with the {GROUP}|make a new {DOC}|"
    "spend {NUM} {UNIT} on {NP}|write down the {STUFF}",
    "DID": "{P_DOC} {DET} {DOC}|{P_DOC} {DET} {ADJ} {DOC}|{P_EVENT} {DET} {EVENT}|{P_EVENT} {DET} {ADJ} {EVENT}|"
    "{P_ASSET} {DET} {ASSET}|{P_GROUP} the {GROUP}|{P_GROUP} {NAME}|talked about {NP}|looked at {NP}|"
    "ordered {NUM} new {STUFF}|sent {DET} {DOC} to {NAME}|worked with the {GROUP}|forgot {DET} {TOPIC}|"
    "spent {NUM} {UNIT} on {NP}|wrote down the {STUFF}",
    "WHEN": "on {DAY}|by {DAY}|before {DAY}|next week|next month|tomorrow|today|this afternoon|before lunch|"
    "after lunch|in {MONTH}|in the morning|after the {EVENT}|in {NUM} {UNIT}|at the end of the week|"
    "on {DAY} morning|now|again|together",
    "PAST": "on {DAY}|last week|last month|yesterday|this morning|in {MONTH}|after the {EVENT}|{NUM} {UNIT} ago|"
    "again|last {DAY}|before the {EVENT}",
    "WHO": "I|you|we|they|he|she|{NAME}|the {GROUP}|everyone|somebody",
    "WE": "I|you|we|they",
    "MODAL": "will|can|should|must|could|would",
    "WHY": "because {BECAUSE}|so {THEN}|but {BECAUSE}|and {THEN}",
    "BECAUSE": "{NP} is {STATE}|{NP} was {STATE}|the {STUFF} are {STATE}|we need more time|we have no money|"
    "the {GROUP} is {MOOD}|{NAME} is not here|it takes {NUM} {UNIT}|the price is too high|we lost {NUM} {UNIT}",
    "THEN": "we {MODAL} {DO}|I will {DO}|{NAME} can {DO}|{NP} is {STATE}|nobody can {DO}",
    # Whole statements.
    "S": "{WHO} {MODAL} {DO}|{WHO} {MODAL} {DO} {WHEN}|{WHO} {DID}|{WHO} {DID} {PAST}|{WE} need to {DO} {WHEN}|"
    "{WE} want to {DO}|{NP} is {STATE}|{NP} is not {STATE}|{NP} was {STATE} {PAST}|{NP} looks {STATE}|"
    "{NP} will be {STATE} {WHEN}|the {STUFF} are {STATE}|the {STUFF} were {STATE}|{WE} have {NUM} {STUFF}|"
    "{NP} takes {NUM} {UNIT}|{NP} costs too much|{WHO} {MODAL} not {DO} {WHEN}|there is a problem with {NP}|"
    "there are {NUM} {STUFF} in {DET} {ASSET}|{WE} have to {DO} {WHEN}|{WE} are {MOOD} with {NP}|"
    "the {GROUP} wants to {DO}|{NAME} has {P_DOC} {DET} {DOC}|{NAME} knows {NP}",
    "OPEN": "I think|I hope|I am sure|I know|I heard|{NAME} said|{NAME} thinks|it seems|you are right",
    "STATEMENT": "{S}.|{S}.|{S}.|{OPEN} {S}.|{OPEN} {S}.|{S} {WHY}.|{S}, {BUT} {S}.|if {BECAUSE}, {THEN}.|"
    "when {NP} is {STATE}, {THEN}.|well, {S}.|maybe {S}.|after the {EVENT}, {THEN}.|on {DAY}, {THEN}.|"
    "first we {MODAL} {DO}, then we {MODAL} {DO}.|let us {DO} {WHEN}.|let us {DO}.|"
    "please {DO} {WHEN}.|please {DO}.|{NAME}, please {DO}.|it is {STATE} to {DO}.|"
    "we have {NUM} {STUFF}, {NUM} {STUFF} and {NUM} {STUFF}.",
    "BUT": "but|and|so",
    "QUESTION": "can {WHO} {DO}?|can you {DO} {WHEN}?|could you {DO} {WHEN}?|should we {DO} {WHEN}?|"
    "will {WHO} {DO}?|did {WHO} {DO} {PAST}?|do {WE} need to {DO}?|do you want to {DO}?|is {NP} {STATE}?|"
    "was {NP} {STATE}?|are the {STUFF} {STATE}?|what do {WE} think about {NP}?|when can {WE} {DO}?|"
    "who will {DO} {WHEN}?|who can {DO}?|why is {NP} {STATE}?|why did {WHO} {DO}?|where is {NP}?|"
    "how much does {NP} cost?|how many {STUFF} do {WE} need?|how long does {NP} take?|what is wrong with {NP}?|"
    "{NAME}, can you {DO}?|{NAME}, what do you think about {NP}?|does the {GROUP} know about {NP}?|"
    "how is {NP}?|have you {P_DOC} {DET} {DOC}?|where are the {STUFF}?|"
    "is there a problem with {NP}?",
    "BACK": "yes, I agree.|no, thank you.|yes, please.|that is right.|good idea.|okay, thanks.|I see.|"
    "yes, of course.|that is true.|sure, no problem.|I am not sure.|sounds good to me.|all right.|"
    "thank you, {NAME}.|thanks, {NAME}.|I agree with {NAME}.|no, not yet.|yes, {NAME} did.|I hope so.|"
    "okay, I will {DO}.|yes, we {MODAL} {DO}.|no, {S}.|yes, {S}.|sorry, {S}.|of course, {S}.|okay, {S}.",
    "GREET": "good morning, everyone.|hello, {NAME}.|hello, this is {NAME}.|welcome to the {EVENT}.|"
    "good afternoon, {NAME}.|my name is {NAME} and I work with the {GROUP}.|nice to meet you, {NAME}.|"
    "thank you for the {DOC}, {NAME}.|see you on {DAY}.|see you next week.|goodbye, everyone.",
    "ANY": "{STATEMENT}|{STATEMENT}|{STATEMENT}|{STATEMENT}|{STATEMENT}|{QUESTION}|{QUESTION}|{QUESTION}|{BACK}|"
    "{BACK}|{GREET}",
    # Moves of a conversation, used by `dialogue`.
    "REPLY": "{BACK}|{BACK} {STATEMENT}|{STATEMENT}|{STATEMENT} {STATEMENT}|{STATEMENT} {QUESTION}",
    "MOVE": "{STATEMENT}|{STATEMENT} {STATEMENT}|{STATEMENT} {QUESTION}|{STATEMENT} {STATEMENT} {STATEMENT}|"
    "{QUESTION}|{BACK} {STATEMENT} {STATEMENT}|{BACK} {STATEMENT} {QUESTION} {STATEMENT}",
}
_GRAMMAR: dict[str, tuple[str, ...]] = {k: tuple(v.split("|")) for k, v in _RULES.items()}
_HOLE = re.compile(r"\{(\w+)\}")
_PUNCTUATION = re.compile(r"[.,?]")
MAX_WORDS = 16

WORDS: tuple[str, ...] = tuple(
    sorted({w for alts in _GRAMMAR.values() for a in alts for w in _PUNCTUATION.sub(" ", _HOLE.sub(" ", a)).split()})
)
"""Every word form, as it is printed: lower case but "I", names, days and months."""

_CANONICAL = {w.lower(): w for w in WORDS}


def expand(rule: str, rng: random.Random, bound: Mapping[str, str] | None = None) -> str:
    """One text of `rule`, sentences capitalised. `bound` fixes rules to a text: ``{"DOC": "budget"}`` keeps a topic.

    A bound rule is taken in half of its places only, or every noun would be the same one.
    """
    bound = bound or {}

    def fill(name: str, depth: int = 0) -> str:
        if name in bound and (depth < 2 or rng.random() < 0.5):
            return bound[name]
        return _HOLE.sub(lambda m: fill(m[1], depth + 1), rng.choice(_GRAMMAR[name]))

    text = fill(rule)
    return re.sub(r"(^|[.?] )([a-z])", lambda m: m[1] + m[2].upper(), text)


def split_sentences(text: str) -> list[str]:
    """The sentences of a turn, with their punctuation."""
    return re.findall(r"[^.?]+[.?]", text.replace("? ", "?").replace(". ", "."))


def plain(text: str) -> list[str]:
    """Words without punctuation, in the spelling of `WORDS` (what the demo recogniser prints)."""
    return [_CANONICAL.get(w.lower(), w) for w in _PUNCTUATION.sub(" ", text).split()]


def sentences(seed: int, count: int) -> Iterator[str]:
    """`count` sentences of 2–16 words with punctuation and capitals; repetitions occur among the short ones."""
    rng = random.Random(f"sentences {seed}")
    given = 0
    while given < count:
        text = expand("ANY", rng)
        if 2 <= len(text.split()) <= MAX_WORDS:
            given += 1
            yield text


def turn(rule: str, rng: random.Random, bound: Mapping[str, str] | None = None) -> str:
    """Like `expand`, drawn again until every sentence has 2–16 words and is not its neighbour's copy."""
    while True:
        text = expand(rule, rng, bound)
        parts = split_sentences(text)
        if len(set(parts)) == len(parts) and all(2 <= len(p.split()) <= MAX_WORDS for p in parts):
            return text


def dialogue(seed: int, turns: int, speakers: int = 4) -> list[tuple[int, str]]:
    """(speaker index, text of 1–4 sentences) of a talk that keeps to a topic for some turns, then takes another."""
    rng = random.Random(f"dialogue {seed}")
    out: list[tuple[int, str]] = []
    bound: dict[str, str] = {}
    left, last, asked = 0, -1, False
    while len(out) < turns:
        if left == 0:
            bound = {k: rng.choice(_GRAMMAR[k]) for k in ("DOC", "EVENT", "ASSET", "GROUP")}
            left = rng.randint(5, 12)
        speaker = rng.choice([s for s in range(speakers) if s != last])
        text = turn("REPLY" if asked else "MOVE", rng, bound)
        out.append((speaker, text))
        last, asked, left = speaker, text.endswith("?"), left - 1
    return out
