"""What a finished answer says: blocks to find and replace, or one rewritten block of code.

Anything that is not clearly one of the two is refused: code is never guessed out of prose.
"""

from kibitz.server.edit.block import Block, Rewrite
from kibitz.server.edit.reader import FENCE, AnswerReader
from kibitz.server.errors import EditError

__all__ = ["Block", "Rewrite", "answer_of", "parse_answer"]


def parse_answer(text: str, *, language: str = "") -> Rewrite | tuple[Block, ...]:
    """Read the edit in an answer, with plain line feeds.

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
    if blocks:
        return blocks
    distinct = list(dict.fromkeys(_fenced(reader.lines, nested=language == "markdown")))
    if not distinct:
        raise EditError(
            "The model answered without a code block, so there is no edit in it; ask again, or name the change "
            "more exactly."
        )
    if len(distinct) > 1:
        raise EditError(
            f"The model answered with {len(distinct)} code blocks and it is not clear which one to take; ask for one "
            "change at a time."
        )
    return Rewrite(distinct[0])


def _fenced(lines: list[str], *, nested: bool) -> list[str]:
    """Return the contents of the fenced blocks.

    A fence with an info string inside a block opens an inner one. In Markdown (`nested`) an inner fence cannot be
    told from the outer one's end, so the first and the last fence of the answer count.
    """
    fences = [(number, found) for number, line in enumerate(lines) if (found := FENCE.match(line))]
    if nested and len(fences) >= 2 and not fences[-1][1]["info"]:
        return ["".join(lines[fences[0][0] + 1 : fences[-1][0]])]
    blocks: list[str] = []
    depth, marks, begin = 0, "", 0
    for number, fence in fences:
        if depth == 0:
            depth, marks, begin = 1, fence["marks"], number + 1
        elif fence["marks"][0] != marks[0] or len(fence["marks"]) < len(marks):
            continue
        elif fence["info"]:
            depth += 1
        else:
            depth -= 1
            if depth == 0:
                blocks.append("".join(lines[begin:number]))
    if depth:
        raise EditError("The model's answer breaks off inside a code block; ask for a smaller change.")
    return blocks
