"""How well a subtitle may break between two words.

Lines and cues end best with a sentence, then with a clause, then before a conjunction or a preposition; never between
an article and its noun, or a first name and a surname. What the words are is looked up in short lists of function
words by language; languages without a list have marks alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from tasks.joining import is_unspaced
from tasks.sentences import is_ordinal, strip_closing_marks, weigh_break

SENTENCE, CLAUSE, CONJUNCTION, PREPOSITION, OPEN, BOUND = 1.0, 0.7, 0.45, 0.3, 0.0, -0.6
"""How good a break is, from the end of a sentence to a place where none should be."""
INSIDE = -9.0
"""Within a phrase of a script without blanks, mostly within a word: cues are rather too fast to read."""

CONJUNCTIONS = {
    "en": "and but or nor so because although though if when while that which who where whereas unless until since "
    "than as before after whether",
    "de": "und aber oder sondern denn weil dass wenn ob als während obwohl damit bevor nachdem sodass wie wo",
    "fr": "et mais ou donc or ni car que qui quand si lorsque puisque parce où comme dont quoique",
    "es": "y e pero o u sino que porque cuando si aunque mientras donde quien como pues",
    "it": "e ed ma o oppure che perché quando se mentre dove chi come però quindi",
    "pt": "e mas ou que porque quando se embora enquanto onde quem como pois",
    "nl": "en maar of want dat omdat als toen terwijl hoewel wanneer zodat waar die",
}
PREPOSITIONS = {
    "en": "in on at by for from with of to into onto over under about between through during without against among "
    "across behind beyond near towards upon within",
    "de": "in im ins an am ans auf aus bei beim mit nach von vom vor zu zum zur über unter durch für gegen ohne um "
    "zwischen hinter neben seit bis trotz wegen",
    "fr": "à au aux de du des en dans sur sous avec sans pour par chez vers entre contre depuis pendant avant après",
    "es": "a al de del en con sin por para sobre entre hasta desde hacia según contra durante tras",
    "it": "a al alla ai di del della dei in nel nella con su sul sulla per tra fra da dal dalla senza verso",
    "pt": "a ao à de do da dos das em no na nos nas com sem por para sobre entre até desde contra",
    "nl": "in op aan bij met van voor naar uit over onder door tegen zonder om tussen achter sinds tot",
}
DETERMINERS = {
    "en": "a an the my your his her its our their this these those some any no every each",
    "de": "der die das den dem des ein eine einen einem einer eines kein keine keinen mein meine dein deine sein "
    "seine ihr ihre unser unsere euer eure dieser diese dieses diesen diesem jeder jede jedes",
    "fr": "le la les un une mon ma mes ton ta tes son sa ses notre nos votre vos leur leurs ce cet cette ces chaque",
    "es": "el la los las un una unos unas mi mis tu tus su sus este esta estos estas ese esa cada",
    "it": "il lo la i gli le un uno una mio mia tuo tua suo sua questo questa questi queste ogni",
    "pt": "o a os as um uma uns umas meu minha teu tua seu sua este esta esse essa cada",
    "nl": "de het een mijn jouw zijn haar ons onze hun deze dit elke elk",
}
PARTICLES = "はがをにでともへのやか"
"""After which a phrase of Japanese ends."""
TITLES = frozenset(
    [
        *(
            "mr",
            "mrs",
            "ms",
            "dr",
            "prof",
            "professor",
            "sir",
            "lady",
            "lord",
            "saint",
            "st",
            "herr",
            "frau",
            "fräulein",
        ),
        *(
            "m",
            "mme",
            "mlle",
            "monsieur",
            "madame",
            "señor",
            "señora",
            "sr",
            "sra",
            "sig",
            "signor",
            "signora",
            "senhor",
        ),
        *("senhora", "mijnheer", "mevrouw"),
    ]
)
"""Before a name."""
BOUND_AFTER = {
    "en": "i you he she it we they not very to is are was were will would can could should must has have had don't",
    "de": "ich du er sie es wir nicht sehr",
    "fr": "je j tu il elle on nous vous ils elles ne très y se me te",
    "es": "no se me te le lo muy yo",
    "it": "non si mi ti ci vi molto",
    "pt": "não se me te lhe muito eu",
    "nl": "ik jij je hij zij ze wij we niet heel",
}
"""Pronouns, auxiliaries and particles, which what follows belongs to."""


def _index(lists: dict[str, str]) -> dict[str, frozenset[str]]:
    return {language: frozenset(words.split()) for language, words in lists.items()}


_CONJUNCTIONS, _PREPOSITIONS, _DETERMINERS = map(_index, (CONJUNCTIONS, PREPOSITIONS, DETERMINERS))
_BOUND_AFTER = _index(BOUND_AFTER)
_NONE: frozenset[str] = frozenset()


def rate_break(before: str, after: str, language: str | None, begins_phrase: bool | None = None) -> float:
    """Rate a break between two words, from BOUND (-0.6) to SENTENCE (1.0); INSIDE (-9.0) within a phrase.

    `begins_phrase`: whether a phrase of a script without blanks begins with `after`; None where that isn't known.

    >>> rate_break("home.", " And", "en"), rate_break("home,", " and", "en"), rate_break("home", " and", "en")
    (1.0, 0.7, 0.45)
    >>> rate_break("the", " house", "en"), rate_break("Anna", " Smith", "en"), rate_break("went", " home", "en")
    (-0.6, -0.6, 0.0)
    """
    mark = _rate_mark(before)
    if mark is not None:
        return BOUND if is_ordinal(before.strip(), after, language) else mark
    if not after.isascii() and is_unspaced(after[0]):
        return _rate_unspaced(before, after, language, begins_phrase)
    language = language or ""
    first, second = _strip(before), _strip(after)
    low = first.lower()
    if low in _DETERMINERS.get(language, _NONE) or low in TITLES or (first[:1].isdigit() and second[:1].isalpha()):
        return BOUND
    if language != "de" and first.istitle() and second.istitle() and len(first) > 1:
        return BOUND
    if low in _PREPOSITIONS.get(language, _NONE) or low in _CONJUNCTIONS.get(language, _NONE):
        return BOUND
    follows = second.lower()
    if follows in _CONJUNCTIONS.get(language, _NONE):
        return CONJUNCTION
    if low in _BOUND_AFTER.get(language, _NONE):
        return BOUND / 2
    return PREPOSITION if follows in _PREPOSITIONS.get(language, _NONE) else OPEN


def _rate_unspaced(before: str, after: str, language: str | None, begins_phrase: bool | None) -> float:
    """Rate a break without a blank: between phrases, where these are known; else by the scripts. In Japanese a phrase
    begins with a character that is no hiragana and ends with a particle, and characters of Chinese side by side are
    mostly a compound; other languages have no sign.

    >>> rate_break("は", "天気", "ja"), rate_break("古", "い", "ja"), rate_break("天", "气", "zh")
    (0.45, -0.6, 0.0)
    >>> rate_break("判", "断的", "ja"), rate_break("判", "断的", "ja", False), rate_break("今日", "私", "ja", True)
    (-9.0, -9.0, 0.3)
    """
    last, first = before.rstrip()[-1:], after[0]
    if begins_phrase is not None:
        if not begins_phrase:
            return INSIDE
        if _is_hiragana(first):
            return BOUND / 2  # seldom wrong before other characters, which are most of a word's first
        return CONJUNCTION if _is_hiragana(last) and last in PARTICLES else PREPOSITION
    if _is_hiragana(first):
        return BOUND
    if _is_hiragana(last):
        return CONJUNCTION if last in PARTICLES else PREPOSITION
    if _is_katakana(last) and _is_katakana(first):
        return BOUND
    return INSIDE if language == "ja" and _is_han(last) and _is_han(first) else OPEN


def _is_han(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff" or char == "々"


def _is_hiragana(char: str) -> bool:
    return "\u3041" <= char <= "\u309f"


def _is_katakana(char: str) -> bool:
    return "\u30a0" <= char <= "\u30ff"


@lru_cache(maxsize=65_536)
def _rate_mark(before: str) -> float | None:
    weight = weigh_break(before)
    if weight == 3 and _strip(before).lower() not in TITLES:
        return SENTENCE
    if weight == 2 or before.rstrip().endswith(("–", "—", "…")):
        return CLAUSE
    return None


@lru_cache(maxsize=65_536)
def _strip(word: str) -> str:
    return strip_closing_marks(word).strip().strip(".,;:!?…\"'“”„«»‘’()[]¿¡–—-")


UNSPACED = ("zh", "yue", "ja", "ko", "th", "lo", "my", "km")
"""Languages that are written without blanks between words, or with characters of those that are."""


def settle_language(text: str, language: str | None) -> str | None:
    """The language that a text is in: `language`, unless it is unknown or the text's script is not its own.

    >>> settle_language("home", "de"), settle_language("今日は", "de"), settle_language("今日", "ja")
    ('de', 'ja', 'ja')
    """
    if language is None:
        return guess_language([text])
    foreign = not text.isascii() and language not in UNSPACED and any(map(is_unspaced, text))
    return guess_language([text]) if foreign else language


def guess_language(texts: Iterable[str]) -> str | None:
    """Guess the language of a text: by its script, else by its function words; None where neither tells.

    >>> guess_language(["We went home", "and the dog was there."]), guess_language(["我们回家。"])
    ('en', 'zh')
    """
    counts: dict[str, float] = {}
    for text in texts:
        for language, script in _SCRIPTS:
            found = sum(script[0] <= c <= script[1] for c in text)
            # Japanese has Han characters, too: a fifth of kana decides.
            counts[language] = counts.get(language, 0) + found * (5 if language == "ja" else 1) / 2
        if not text.isascii() or text.strip():
            words = [_strip(word).lower() for word in text.split()]
            for language, own in _FUNCTION_WORDS.items():
                counts[language] = counts.get(language, 0) + sum(word in own for word in words)
    best = max(counts, key=lambda language: counts[language], default=None)
    return best if best is not None and counts[best] > 0 else None


_FUNCTION_WORDS = {
    language: _CONJUNCTIONS[language] | _PREPOSITIONS[language] | _DETERMINERS[language] | _BOUND_AFTER[language]
    for language in CONJUNCTIONS
}
_SCRIPTS = (
    ("zh", ("\u4e00", "\u9fff")),
    ("ja", ("\u3040", "\u30ff")),
    ("ko", ("\uac00", "\ud7af")),
    ("th", ("\u0e00", "\u0e7f")),
    ("hi", ("\u0900", "\u097f")),
    ("ar", ("\u0600", "\u06ff")),
    ("ru", ("\u0400", "\u04ff")),
    ("he", ("\u0590", "\u05ff")),
    ("el", ("\u0370", "\u03ff")),
)
