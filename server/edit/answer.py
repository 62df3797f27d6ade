"""What a finished answer says: blocks to find and replace, or code written anew; for one file, or for several.

Anything that is not clearly an edit is refused: code is never guessed out of prose.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from kibitz.server.edit.block import Block, Rename, Rewrite
from kibitz.server.edit.reader import DIFFS, FENCE, AnswerReader
from kibitz.server.errors import EditError

__all__ = ["Block", "Rename", "Rewrite", "Said", "answer_of", "parse_answer", "parse_files"]

_NO_BLOCK = (
    "The model answered without a code block, so there is no edit in it; ask again, or name the change more exactly."
)


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer about several files says; each rewrite names its file, a block may not."""

    blocks: tuple[Block, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()
    renames: tuple[Rename, ...] = ()


def parse_answer(text: str, *, language: str = "") -> Rewrite | tuple[Block, ...]:
    """Read the edit of one file in an answer, with plain line feeds.

    Raises:
        EditError: there is no edit in the answer, it breaks off, or it could mean several things.
    """
    reader = AnswerReader()
    reader.feed(text)
    return answer_of(reader, language=language)


def answer_of(reader: AnswerReader, *, language: str = "") -> Rewrite | tuple[Block, ...]:
    """Return the edit of an answer that a reader has been fed to its end.

    Raises:
        EditError: as `parse_answer` does.
    """
    blocks = reader.finish()
    if reader.renames:
        raise EditError(f"The model wants to rename {reader.renames[0].path}, which was not asked for.")
    if blocks:
        return blocks
    distinct = list(dict.fromkeys(text for _, _, text in _fenced(reader.lines, nested=language == "markdown")))
    if not distinct:
        raise EditError(_NO_BLOCK)
    if len(distinct) > 1:
        raise EditError(
            f"The model answered with {len(distinct)} code blocks and it is not clear which one to take; ask for one "
            "change at a time."
        )
    return Rewrite(distinct[0])


def parse_files(text: str, paths: Collection[str]) -> Said:
    """Read the edit of several files in an answer; `paths` are those that it may be about.

    Code counts where a path stands above it or behind its fence: other code is an example.

    Raises:
        EditError: there is no edit in the answer, or it breaks off.
    """
    reader = AnswerReader(paths)
    reader.feed(text)
    blocks = reader.finish()
    outside = list(reader.lines)
    for span in reader.taken:  # what a block writes may hold fences
        outside[span.start : span.end] = [""] * (span.end - span.start)
    rewrites = [
        Rewrite(code, path)
        for begin, end, code in _fenced(outside, nested=False)
        if not any(begin < span.start < end for span in reader.taken) and (path := _path_of(reader, begin))
    ]
    said = Said(blocks, tuple(dict.fromkeys(rewrites)), tuple(dict.fromkeys(reader.renames)))
    if said == Said():
        raise EditError(
            "The model did not say which file its code is for; ask again." if "```" in text else _NO_BLOCK,
        )
    return said


def _path_of(reader: AnswerReader, begin: int) -> str:
    """Return the path of the code whose fence is a line: behind its language, else above it; "" for a diff's."""
    fence = FENCE.match(reader.lines[begin])
    info = fence["info"] if fence else ""
    if info.lower() in DIFFS:
        return ""
    behind = info.replace("=", " ").replace(":", " ").split()
    return (reader.path_in(behind[-1].strip("\"'")) if behind else "") or reader.path_before(begin)


def _fenced(lines: list[str], *, nested: bool) -> Iterator[tuple[int, int, str]]:
    """Yield the fenced blocks: the numbers of their fences' lines, and what is between.

    A fence with an info string inside a block opens an inner one. In Markdown (`nested`) an inner fence cannot be
    told from the outer one's end, so the first and the last fence of the answer count.

    Raises:
        EditError: the last one is not closed.
    """
    fences = [(number, found) for number, line in enumerate(lines) if (found := FENCE.match(line))]
    if nested and len(fences) >= 2 and not fences[-1][1]["info"]:
        first, last = fences[0][0], fences[-1][0]
        yield first, last, "".join(lines[first + 1 : last])
        return
    depth, marks, begin = 0, "", 0
    for number, fence in fences:
        if depth == 0:
            depth, marks, begin = 1, fence["marks"], number
        elif fence["marks"][0] != marks[0] or len(fence["marks"]) < len(marks):
            continue
        elif fence["info"]:
            depth += 1
        else:
            depth -= 1
            if depth == 0:
                yield begin, number, "".join(lines[begin + 1 : number])
    if depth:
        raise EditError("The model's answer breaks off inside a code block; ask for a smaller change.")
