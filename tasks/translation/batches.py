"""Ask for many sentences at a time; where an answer can't be used, for halves of them, down to one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from tasks.translation.prompt import BadAnswer

MOST_CHARS = 4000
"""Of the sentences of a request, so that small models' contexts hold it, and the answer."""

Ask = Callable[[Sequence[int], str | None], Mapping[int, str]]
"""`ask(places, fault)` -> the texts by place, of all places. Raises BadAnswer."""


def cut_batch(places: Sequence[int], lengths: Sequence[int], most: int) -> int:
    """How many of the next places are asked for at once: at most `most`, side by side (so that they are each other's
    context), of at most `MOST_CHARS`; one at least.

    >>> cut_batch([3, 4, 5, 9], [0] * 10, 20), cut_batch([3, 4, 5], [3000] * 10, 20)
    (3, 1)
    """
    count, chars = 1, lengths[places[0]]
    while count < min(most, len(places)) and places[count] == places[count - 1] + 1:
        chars += lengths[places[count]]
        if chars > MOST_CHARS:
            break
        count += 1
    return count


def ask_in_halves(batch: Sequence[int], ask: Ask) -> Iterator[dict[int, str | None]]:
    """Yield the texts of a batch, in order, as they come; None for a sentence that no usable answer is had for.

    A sentence that is alone is asked for once more, with what was wrong.
    """
    try:
        answers = ask(batch, None)
        if answers.keys() != set(batch):
            raise BadAnswer("it has other lines than were asked for")
        yield {place: answers[place] for place in batch}
    except BadAnswer as fault:
        if len(batch) > 1:
            half = (len(batch) + 1) // 2
            yield from ask_in_halves(batch[:half], ask)
            yield from ask_in_halves(batch[half:], ask)
            return
        try:
            again = ask(batch, str(fault))
            yield {batch[0]: again.get(batch[0])}
        except BadAnswer:
            yield {batch[0]: None}


def ask_all(places: Sequence[int], lengths: Sequence[int], ask: Ask, most: int) -> Iterator[dict[int, str | None]]:
    """Yield the texts of all places, in order, as they come.

    After a batch that had to be halved the next one is half as long; it grows again with each that need not.
    """
    waiting, size = list(places), most
    while waiting:
        count = cut_batch(waiting, lengths, size)
        batch, waiting = waiting[:count], waiting[count:]
        parts = 0
        for found in ask_in_halves(batch, ask):
            parts += 1
            yield found
        size = min(most, size + 2) if parts == 1 else max(2, size // 2)
