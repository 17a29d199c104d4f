"""Marks that end sentences and clauses, and the ways in which modules use them.

| constant or function | used by | marks |
| --- | --- | --- |
| `SENTENCE_ENDS`, `ends_sentence` | speakers may change, segments end | `. ? ! … 。 ？ ！` directly at the end |
| `ends_quoted_sentence` | text is punctuated, capitals follow | the same, also before closing quotes and brackets |
| `BREAK_WEIGHTS` | line and cue breaks | the same with weight 3; clause marks `, ; : 、 ，` with weight 2 |
| `PREDICTED_MARKS` | stripped from a punctuation model's input | `. , ; : ! ? … ¡ ¿ 。 ， ！ ？`, but not `、` |

Their results differ: `Yes.”` ends a sentence only for `ends_quoted_sentence`; clause marks break lines and end no
sentence; `¡ ¿` begin sentences, and `、` was not stripped in the models' training data.
"""

from __future__ import annotations

SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！")
CLOSING_MARKS = "\"'”’»)]"
"""Quotes and brackets that may follow the end of a sentence."""
BREAK_WEIGHTS = {**dict.fromkeys(SENTENCE_ENDS, 3), **dict.fromkeys((",", ";", ":", "、", "，"), 2)}
"""How well a subtitle may break after a mark; 0 for others."""
PREDICTED_MARKS = ".,;:!?…¡¿。，！？"


def ends_sentence(text: str) -> bool:
    """Check whether `text` ends with a sentence mark.

    >>> ends_sentence("Yes."), ends_sentence("Yes.”"), ends_sentence("yes,")
    (True, False, False)
    """
    return text.endswith(SENTENCE_ENDS)


def ends_quoted_sentence(text: str) -> bool:
    """Check whether `text` ends with a sentence mark, closing quotes and brackets aside.

    >>> ends_quoted_sentence("Yes.”"), ends_quoted_sentence("(no)")
    (True, False)
    """
    return text.rstrip(CLOSING_MARKS).endswith(SENTENCE_ENDS)
