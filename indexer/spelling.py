"""What was meant by words that a workspace does not know: the known word that one slip of the fingers made of it.

The index holds hashes of words and no list of them, so every word that is one slip away is made and looked up
(Norvig, "How to Write a Spelling Corrector", 2007).
"""

import re
import string
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.terms import split, stem, term_id, words_of

LEAST_LETTERS = 6  # shorter words have too many neighbours
MOST_LETTERS = 24
MOST_WORDS = 8  # of a question are looked at: each costs about a millisecond

Sizes = Callable[[Sequence[int]], NDArray[np.int64]]
"""Ids of terms to how many chunks hold each."""


def respelt(question: str, sizes: Sizes) -> str:
    """The question with its unknown words as they were probably meant."""
    parts = {part for word in words_of(question) for part in split(word) if _can_slip(part)}
    ordered = sorted(parts)
    if not ordered:
        return question
    known = sizes([term_id(stem(part)) for part in ordered])
    unknown = [part for part, held in zip(ordered, known, strict=True) if not held]
    meant = {part: _nearest(part, sizes) for part in unknown[:MOST_WORDS]}
    for part, other in meant.items():
        if other:
            question = re.sub(rf"(?i){part}", other, question)
    return question


def _can_slip(part: str) -> bool:
    return LEAST_LETTERS <= len(part) <= MOST_LETTERS and part.isascii() and part.isalpha()


def _nearest(word: str, sizes: Sizes) -> str:
    """The word one slip away that most chunks hold, "" when none does."""
    others = list(dict.fromkeys(slips(word)))
    held = sizes([term_id(stem(other)) for other in others]).tolist()
    # Several may have one stem in common: the longest is a word.
    count, _, other = max(zip(held, map(len, others), others, strict=True))
    return other if count else ""


def slips(word: str) -> Iterator[str]:
    """All words that one slip makes of a word: a letter left out, doubled up, wrong, or two changed over."""
    pairs = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    for head, tail in pairs:
        if tail:
            yield head + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        for letter in string.ascii_lowercase:
            if tail:
                yield head + letter + tail[1:]
            yield head + letter + tail
