"""A question as it is looked at: of a bounded length, without control characters."""

import re
from typing import NamedTuple

MOST_CHARS = 4_000
"""More than a page of text; what stands behind says the same again, or is data."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]+")
_WORD = re.compile(r"\w")


class Question(NamedTuple):
    """What is looked at of a question, and sentences for whoever asked it."""

    text: str
    notes: tuple[str, ...] = ()


def read_question(asked: str) -> Question:
    """Cut a question to what is looked at. One without words has an empty text: there is nothing to look for."""
    head = asked[: MOST_CHARS + 1]
    text = _CONTROLS.sub(" ", head[:MOST_CHARS]).strip()
    if not _WORD.search(text):
        said = "a regular expression finds punctuation." if text else "say what to look for."
        return Question("", (f"There are no words in the question: {said}",))
    if len(head) <= MOST_CHARS:
        return Question(text)
    return Question(text, (f"Only the first {MOST_CHARS} characters of the question were looked at.",))
