"""The languages that Whisper knows: codes, names in English and in the language itself, and other codes of them.

Codes are those of Whisper's tokens: ISO 639-1 where there is one, `jw` for Javanese. Names in English are Whisper's
own (its LANGUAGES and TO_LANGUAGE_CODE), names in the language those of Unicode CLDR; the other codes are ISO 639-2
and 639-3 and retired ones.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

_TABLE = """
en: English; eng
zh: Chinese, Mandarin, 中文, 普通话, 汉语; zho chi cmn
de: German, Deutsch; deu ger
es: Spanish, Castilian, español, castellano; spa
ru: Russian, русский; rus
ko: Korean, 한국어; kor
fr: French, français; fra fre
ja: Japanese, 日本語; jpn
pt: Portuguese, português; por
tr: Turkish, Türkçe; tur
pl: Polish, polski; pol
ca: Catalan, Valencian, català; cat
nl: Dutch, Flemish, Nederlands, Vlaams; nld dut
ar: Arabic, العربية; ara arb
sv: Swedish, svenska; swe
it: Italian, italiano; ita
id: Indonesian, bahasa Indonesia; ind in
hi: Hindi, हिन्दी; hin
fi: Finnish, suomi; fin
vi: Vietnamese, Tiếng Việt; vie
he: Hebrew, עברית; heb iw
uk: Ukrainian, українська; ukr
el: Greek, Ελληνικά; ell gre
ms: Malay, bahasa Malaysia; msa may zsm
cs: Czech, čeština; ces cze
ro: Romanian, Moldavian, Moldovan, română; ron rum mo
da: Danish, dansk; dan
hu: Hungarian, magyar; hun
ta: Tamil, தமிழ்; tam
no: Norwegian, norsk, Bokmål, Norwegian Bokmål, norsk bokmål; nor nb nob
th: Thai, ไทย; tha
ur: Urdu, اردو; urd
hr: Croatian, hrvatski; hrv
bg: Bulgarian, български; bul
lt: Lithuanian, lietuvių; lit
la: Latin, Lingua latina; lat
mi: Maori, Māori; mri mao
ml: Malayalam, മലയാളം; mal
cy: Welsh, Cymraeg; cym wel
sk: Slovak, slovenčina; slk slo
te: Telugu, తెలుగు; tel
fa: Persian, Farsi, فارسی; fas per pes prs
lv: Latvian, latviešu; lav lvs
bn: Bengali, Bangla, বাংলা; ben
sr: Serbian, српски; srp
az: Azerbaijani, azərbaycan; aze azj
sl: Slovenian, slovenščina; slv
kn: Kannada, ಕನ್ನಡ; kan
et: Estonian, eesti; est ekk
mk: Macedonian, македонски; mkd mac
br: Breton, brezhoneg; bre
eu: Basque, euskara; eus baq
is: Icelandic, íslenska; isl ice
hy: Armenian, հայերեն; hye arm
ne: Nepali, नेपाली; nep npi
mn: Mongolian, монгол; mon khk
bs: Bosnian, bosanski; bos
kk: Kazakh, қазақ тілі; kaz
sq: Albanian, shqip; sqi alb als
sw: Swahili, Kiswahili; swa swh
gl: Galician, galego; glg
mr: Marathi, मराठी; mar
pa: Punjabi, Panjabi, ਪੰਜਾਬੀ; pan
si: Sinhala, Sinhalese, සිංහල; sin
km: Khmer, ខ្មែរ; khm
sn: Shona, chiShona; sna
yo: Yoruba, Èdè Yorùbá; yor
so: Somali, Soomaali; som
af: Afrikaans; afr
oc: Occitan; oci
ka: Georgian, ქართული; kat geo
be: Belarusian, беларуская; bel
tg: Tajik, тоҷикӣ; tgk
sd: Sindhi, سنڌي; snd
gu: Gujarati, ગુજરાતી; guj
am: Amharic, አማርኛ; amh
yi: Yiddish, ייִדיש; yid ji
lo: Lao, ລາວ; lao
uz: Uzbek, o‘zbek; uzb uzn
fo: Faroese, føroyskt; fao
ht: Haitian Creole, Haitian, Kreyòl Ayisyen, Kreyòl; hat
ps: Pashto, Pushto, پښتو; pus pbt
tk: Turkmen, türkmen dili; tuk
nn: Nynorsk, Norwegian Nynorsk, norsk nynorsk; nno
mt: Maltese, Malti; mlt
sa: Sanskrit, संस्कृत भाषा; san
lb: Luxembourgish, Letzeburgesch, Lëtzebuergesch; ltz
my: Burmese, Myanmar, မြန်မာ; mya bur
bo: Tibetan, བོད་སྐད་; bod tib
tl: Tagalog, Filipino; tgl fil
mg: Malagasy; mlg plt
as: Assamese, অসমীয়া; asm
tt: Tatar, татар; tat
haw: Hawaiian, ʻŌlelo Hawaiʻi
ln: Lingala, lingála; lin
ha: Hausa; hau
ba: Bashkir, башҡорт теле; bak
jw: Javanese, Jawa; jav jv
su: Sundanese, Basa Sunda; sun
yue: Cantonese, 粵語; zh-yue
"""
"""A language a line: code: names, the first one to show; other codes."""


_TAG = re.compile(
    r"(?P<code>[a-z]{2}|[a-z]{3}(?![-_][a-z]{5}))(?:[-_](?:[a-z]{2,8}|[0-9]{3}|[0-9][a-z0-9]{3}))+"
    r"(?:[-_]x(?:[-_][a-z0-9]+)+)?(?:[.@].*)?"
)
"""A code with a script, a region or a variant (BCP 47, POSIX). `per-chunk` is none."""
_KINDS = frozenset(
    ("american", "australian", "austrian", "brazilian", "british", "canadian", "european", "indian", "mexican",
     "modern", "simplified", "standard", "swiss", "traditional")
)  # fmt: skip
"""Words before or after a language's name (Brazilian Portuguese) that tell nothing which the weights know."""
_SCRIPTS = frozenset(("latin", "arabic"))
"""Scripts that are named as languages are: Serbian (Latin)."""
_OF_COUNTRIES = {
    "at": "de", "au": "en", "ch": "de", "cn": "zh", "cz": "cs", "dk": "da", "gb": "en", "gr": "el", "ir": "fa",
    "jp": "ja", "kr": "ko", "mx": "es", "se": "sv", "tw": "zh", "ua": "uk", "us": "en", "vn": "vi",
}  # fmt: skip
"""Codes of countries that are taken for codes of their languages; they are suggested, not understood."""


def _read_table() -> tuple[dict[str, str], dict[str, str]]:
    """(code -> name to show, folded code or name -> code)."""
    shown: dict[str, str] = {}
    known: dict[str, str] = {}
    for line in _TABLE.strip().splitlines():
        code, _, rest = line.partition(": ")
        names, _, codes = rest.partition("; ")
        shown[code] = names.split(", ")[0]
        for spelling in (code, *codes.split(), *names.split(", ")):
            known.setdefault(_fold(spelling), code)
    return shown, known


def _fold(text: str) -> str:
    """Lower case, without accents and points, blanks for whatever stands between letters."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if unicodedata.category(c) != "Mn")
    return " ".join(re.sub(r"[\W_]+", " ", plain).split())


NAMES, _KNOWN = _read_table()
"""Code -> name in English."""


def parse_language(text: str) -> str | None:
    """The code of a language that is given as a code, a name or a tag with a region, a script or a variant (BCP 47,
    POSIX); None for an unknown one.

    >>> [parse_language(text) for text in ("EN", "english", "en-US", "pt_BR.UTF-8", "deutsch", "zh-Hant", "klingon")]
    ['en', 'en', 'en', 'pt', 'de', 'zh', None]
    >>> [parse_language(text) for text in ("de-CH-1996", "Portuguese (Brazil)", "German (de)", "Simplified Chinese")]
    ['de', 'pt', 'de', 'zh']
    """
    whole = _fold(text)
    if whole in _KNOWN:
        return _KNOWN[whole]
    if tag := _TAG.fullmatch(text.strip().lower()):
        return _KNOWN.get(tag["code"])
    if named := re.fullmatch(r"([^\W\d_]{4,})[-_][a-z]{2}", text.strip().lower()):  # english-US
        return _KNOWN.get(_fold(named[1]))
    if named := re.fullmatch(r"(.+?)\s*\(([^()]*)\)", text.strip()):
        return _parse_qualified(named[1], named[2])
    words = [word for word in whole.split() if word not in _KINDS]
    return _KNOWN.get(" ".join(words)) if words else None


def _parse_qualified(name: str, qualifier: str) -> str | None:
    """The language of `Name (qualifier)`: a region, a script, the code, or the name of one that goes by both."""
    code, own = _KNOWN.get(_fold(name)), _fold(qualifier)
    other = None if own in _SCRIPTS else _KNOWN.get(own)
    if code is None or other in (None, code):
        return code
    return other if (code, other) in (("zh", "yue"), ("no", "nn")) else None


def suggest_language(text: str) -> str | None:
    """The name or code that is spelled most nearly like `text`, as `German (de)`; None where none is near."""
    folded = _fold(text)
    if folded in _OF_COUNTRIES:
        return format_language(_OF_COUNTRIES[folded])
    close = difflib.get_close_matches(folded, [name for name in _KNOWN if len(name) > 3], n=1, cutoff=0.75)
    return format_language(_KNOWN[close[0]]) if close else None


def format_language(code: str) -> str:
    """Name and code of a language, for people; the code alone where it has no name here.

    >>> format_language("yue"), format_language("tlh")
    ('Cantonese (yue)', 'tlh')
    """
    return f"{NAMES[code]} ({code})" if code in NAMES else code


def format_languages(codes: Iterable[str]) -> str:
    """Names and codes of languages as a list in a sentence.

    >>> format_languages(["en", "de", "fr"])
    'English (en), German (de) and French (fr)'
    """
    *most, last = map(format_language, codes)
    return f"{', '.join(most)} and {last}" if most else last
