"""Reading on from what is known of an earlier text gives what reading it whole does."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kibitz.server.completion import brackets
from kibitz.server.completion.brackets import Reader
from kibitz.server.completion.code import CLOSER_OF, _tokens

PIECES = [
    "(",
    ")",
    "[",
    "{",
    "}",
    '"',
    "'",
    '"""',
    "'''",
    "`",
    "#",
    "//",
    "/*",
    "*/",
    "\\",
    "\n",
    "\n",
    "a",
    " ",
    "ab\n",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
LANGUAGES = st.sampled_from(["python", "javascript", "rust", "sql", "go", "markdown"])


def whole(text: str, language: str) -> tuple[tuple[str, ...], str]:
    read = Reader(_tokens(language), CLOSER_OF).read(text)
    return read.opened, read.last


@example("javascript", [("", 0, 0, "(`ab\n(((("), ("", 0, 0, "\\")])  # an escape that is not typed to its end
@given(LANGUAGES, st.lists(st.tuples(TEXTS, st.integers(0, 400), st.integers(0, 10), TEXTS), min_size=2, max_size=6))
def test_reading_on_is_reading_whole(language: str, edits: list[tuple[str, int, int, str]]) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(brackets, "APART", 3)
        reader, text = Reader(_tokens(language), CLOSER_OF), edits[0][0]
        for new, place, gone, tail in edits:
            at = place % (len(text) + 1)
            text = text[:at] + new + text[at + gone :] + tail
            for cursor in (len(text), len(text) // 2):
                read = reader.read(text[:cursor])
                assert (read.opened, read.last) == whole(text[:cursor], language)


def test_only_what_is_new_is_read() -> None:
    class Counting:
        """A pattern that tells where it was asked to begin."""

        def __init__(self) -> None:
            self.began: list[int] = []

        def finditer(self, text: str, start: int) -> object:
            self.began.append(start)
            return _tokens("python").finditer(text, start)

    counting = Counting()
    reader = Reader(counting, CLOSER_OF)  # type: ignore[arg-type]
    text = "f(x)\n" * 2_000
    for more in ("g(", "g((", "g((x"):
        reader.read(text + more)
    first, *others = counting.began
    assert first == 0
    assert all(len(text) - 2 * brackets.APART < start <= len(text) for start in others)
