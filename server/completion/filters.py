"""What makes a model's raw continuation fit to be shown: an ordered tuple of small pure functions.

Each takes the text and the snapshot and returns the text or less of it: nothing is ever added but indentation, so
cleaning a clean text changes nothing. An empty result means that there is nothing to show.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import islice

from kibitz.server.completion.answer import drop_control_tokens, drop_prose, drop_thinking, unwrap_fence
from kibitz.server.completion.block import CLOSES, stop_at_block_end
from kibitz.server.completion.code import CLOSER_OF, PROSE, Around, Bracket, around, balance, in_text, open_quote
from kibitz.server.completion.indentation import drop_leading_blank_lines, use_the_document_s_marks
from kibitz.server.completion.parses import drop_what_breaks, look_before
from kibitz.server.completion.repetition import drop_repetition
from kibitz.server.completion.snapshot import Snapshot

Filter = Callable[[str, Snapshot], str]

MAX_LINES = 24  # more is not read before it is accepted
MAX_REPEATED_LINES = 20  # lines before the cursor that a chat model may say again
STRONG_LINE_CHARS = 3  # letters and digits that make a line more than a bracket or an "fi"

_COMMENT = re.compile(r"\s*(?:#|//|--|/\*)")  # may stand two blanks away
_LAST_NAME = re.compile(r"[\w$@][\w.$]{2,}\Z")
_CLOSES_ONLY = re.compile(r"(?:[)\]}>'\"`][\s()\[\]{}<>;:,.'\"`]*)?|\s*")


def drop_repeated_prefix(text: str, at: Snapshot) -> str:
    """Drop what stands before the cursor already when a model begins with it: the current line, or several."""
    for start in _line_starts(at.prefix):  # the longest repetition first
        before = at.prefix[start:]
        for said in (before, before.lstrip(" \t")):
            if text.startswith(said) and _tells(before) and _at_boundary(before, text[len(said) :]):
                return text[len(said) :]
    line = _line_before(at)
    name = _LAST_NAME.search(line)
    if name and text.startswith(name[0]):
        return text[len(name[0]) :]  # "self." or half a word, said again from its start
    if line and not line.strip() and text.startswith(line) and not _expects_deeper(at):
        return text[len(line) :]  # the indentation, said again
    if line.strip() and line[-1] in " \t" and text[:1] in (" ", "\t") and not _COMMENT.match(text):
        return text.lstrip(" \t")
    return text


def may_be_repeated_prefix(text: str, at: Snapshot) -> bool:
    """Tell whether a text that has not ended may yet turn out to say again what stands before the cursor."""
    said = text.lstrip(" \t")
    return any(at.prefix[start:].lstrip(" \t").startswith(said) for start in _line_starts(at.prefix))


def keep_one_line(text: str, at: Snapshot) -> str:
    """With code after the cursor on its line, a suggestion ends with the line; closing brackets are no code."""
    return text if _CLOSES_ONLY.fullmatch(_line_after(at)) else text.split("\n", 1)[0]


def stop_at_next_line(text: str, at: Snapshot) -> str:
    """Cut where the text runs into the line that follows the cursor's line already."""
    end = cut_before_next_line(text, at, ended=True)
    return text if end is None else "\n".join(text.split("\n")[:end])


def cut_before_next_line(text: str, at: Snapshot, *, ended: bool) -> int | None:
    """Return how many lines stand before the one that follows the cursor's line already; None: it is not there.

    A line of mere brackets counts only when all that follows agrees, for one bracket looks like another; in a text
    that has not ended, what agrees must have said something, for the next line may tell otherwise.
    """
    below = (line.rstrip() for line in at.suffix.split("\n")[1:])
    following = list(islice(filter(None, below), MAX_LINES + 1))
    if not following:
        return None
    lines = text.split("\n")
    for number, line in enumerate(lines):
        whole = (_line_before(at) + line if number == 0 else line).rstrip()
        if whole != following[0]:
            continue
        said = [each.rstrip() for each in (whole, *lines[number + 1 :]) if each.strip()]
        agrees = all(a == b for a, b in zip(said, following, strict=False))
        told = ended or sum(map(_letters, said)) >= STRONG_LINE_CHARS
        if _letters(whole) >= STRONG_LINE_CHARS or (agrees and told):
            return number
    return None


def drop_repeated_suffix(text: str, at: Snapshot) -> str:
    """Drop the end of the text that is also the start of what follows on the line.

    Of several such ends that one is taken which leaves the fewest brackets without a partner, so that in "foo(" and
    ")" the text "bar()" keeps its own bracket.
    """
    rest, brackets = _line_after(at), _around(at)
    best, least = text, brackets.imbalance(text, at.language)
    for length in range(1, min(len(rest), len(text)) + 1):
        kept, overlap = text[: len(text) - length], rest[:length]
        if not overlap.strip() or not text.endswith(overlap) or not _at_boundary(kept, overlap):
            continue
        alone = brackets.imbalance(kept, at.language)
        if alone <= least and _leaves_no_string_open(kept, overlap, at):
            best, least = kept, alone
    return best


def balance_brackets(text: str, at: Snapshot) -> str:
    """Cut at a closing bracket that closes nothing, or whose closer stands after the cursor already.

    A bracket that is opened again on the same line may be closed: "a).then(" between "f(" and ")".
    """
    if in_text(at.prefix, at.language):
        return text
    brackets = _around(at)
    opened = list(zip(brackets.opened, brackets.closed, strict=True))
    found = balance(text, at.language)
    reopened = list(found.opened)
    for closer in found.unmatched:
        if not opened or CLOSER_OF[opened[-1][0]] != closer.mark:
            return text[: closer.offset]
        _, closed = opened.pop()
        if closed:
            again = next((opener for opener in reopened if _again(opener, closer, text)), None)
            if again is None:
                return text[: closer.offset]
            reopened.remove(again)
    return text


def drop_closing_quote(text: str, at: Snapshot) -> str:
    """Drop a quote that closes the string around the cursor when one stands after the cursor already."""
    quote = open_quote(_line_before(at), at.language)
    if not quote or not _line_after(at).startswith(quote):
        return text
    escaped = False
    for number, mark in enumerate(text):
        if mark == quote and not escaped:
            opens_again = open_quote(quote + text, at.language) == quote
            return text if opens_again else text[:number]
        escaped = mark == "\\" and not escaped
    return text


def limit_lines(text: str, at: Snapshot) -> str:
    """Keep what can be read at a glance."""
    return "\n".join(text.split("\n")[:MAX_LINES])


def drop_what_is_there(text: str, at: Snapshot) -> str:
    """Suggest nothing when the same text follows the cursor."""
    bare = text.strip()
    tells = _letters(bare) >= STRONG_LINE_CHARS and not CLOSES.match(bare)
    there = at.suffix.startswith(bare) or (tells and at.suffix.lstrip().startswith(bare))
    return "" if bare and there else text


def trim_end(text: str, at: Snapshot) -> str:
    """Drop blanks at the end, and text that is all blanks."""
    return text.rstrip()


UNWRAP: tuple[Filter, ...] = (
    drop_thinking,
    unwrap_fence,
    drop_prose,
    drop_control_tokens,
    use_the_document_s_marks,
    drop_leading_blank_lines,
    drop_repeated_prefix,
)
"""Undo the form in which models answer."""

CUT: tuple[Filter, ...] = (
    keep_one_line,
    stop_at_next_line,
    stop_at_block_end,
    drop_repeated_suffix,
    balance_brackets,
    drop_closing_quote,
    drop_repetition,
    limit_lines,
)
"""Find where the suggestion ends."""

STOPS: tuple[Filter, ...] = (stop_at_block_end, balance_brackets, drop_closing_quote, drop_repetition, limit_lines)
"""Those of `CUT` that cut whole lines as they will cut the whole text: the model need not go on."""

FINISH: tuple[Filter, ...] = (drop_what_is_there, trim_end, drop_what_breaks)
"""Settle the end of a finished text."""

FILTERS: tuple[Filter, ...] = UNWRAP + CUT + FINISH


def unwrap(text: str, at: Snapshot) -> str:
    """Undo only the form of an answer that is still coming."""
    for drop in UNWRAP:
        text = drop(text, at)
    return text


def clean(text: str, at: Snapshot) -> str:
    """Run the filters until nothing changes; each only takes away, so this ends and is idempotent."""
    text = text.replace("\r\n", "\n")
    while True:
        before = text
        for drop in FILTERS:
            text = drop(text, at)
        if text == before:
            return text


def look_around(at: Snapshot) -> None:
    """Find out what `clean` needs to know of the document, in any thread, so that it finds that done."""
    look_before(at)
    _around(at)


def _line_starts(prefix: str) -> list[int]:
    """Return where the last lines begin, in order."""
    starts = [prefix.rfind("\n") + 1]
    while starts[0] > 0 and len(starts) < MAX_REPEATED_LINES:
        starts.insert(0, prefix.rfind("\n", 0, starts[0] - 1) + 1)
    return starts


def _line_before(at: Snapshot) -> str:
    return at.prefix[at.prefix.rfind("\n") + 1 :]


def _line_after(at: Snapshot) -> str:
    return at.suffix.split("\n", 1)[0].rstrip("\r")


def _letters(text: str) -> int:
    return sum(mark.isalnum() for mark in text)


def _tells(before: str) -> bool:
    """Whether text before the cursor is so much that saying it again is no chance: "x = ", "if ", a whole line."""
    letters = _letters(before)
    if before.endswith("\n"):
        return letters >= 2 * STRONG_LINE_CHARS
    return (letters >= 1 and len(before.strip()) >= 3) or (letters >= 2 and before.endswith(" "))


def _at_boundary(before: str, after: str) -> bool:
    """Whether a repetition ends where a word ends; "for" is not said again by "format"."""
    return not (before[-1:].isalnum() and after[:1].isalnum())


def _expects_deeper(at: Snapshot) -> bool:
    """Whether the line above opens a block and the cursor's line is not yet indented below it."""
    above = at.prefix[: at.prefix.rfind("\n") + 1].rstrip()
    last = above[above.rfind("\n") + 1 :]
    indent = len(last) - len(last.lstrip())
    return above.endswith((":", "{", "(", "[", "=>", "then", "do")) and len(_line_before(at)) <= indent


def _leaves_no_string_open(kept: str, overlap: str, at: Snapshot) -> bool:
    """Whether no string that begins in the kept text ends in the overlap."""
    if not any(quote in overlap for quote in "\"'`"):
        return True
    line = "" if "\n" in kept else _line_before(at)
    return open_quote(line + kept[kept.rfind("\n") + 1 :], at.language) == open_quote(line, at.language)


def _again(opener: Bracket, closer: Bracket, text: str) -> bool:
    """Whether an opener left open stands after a closer of its kind on the same line."""
    same = CLOSER_OF[opener.mark] == closer.mark and opener.offset > closer.offset
    return same and "\n" not in text[closer.offset : opener.offset]


def _around(at: Snapshot) -> Around:
    """Return the brackets around the cursor; in prose and unknown languages only those of the cursor's line."""
    if at.language in PROSE:
        return _cached_around(_line_before(at), _line_after(at), at.language)
    return _cached_around(at.prefix, at.suffix, at.language)


@lru_cache(maxsize=4)
def _cached_around(prefix: str, suffix: str, language: str) -> Around:
    return around(prefix, suffix, language)
