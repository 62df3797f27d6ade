"""What a model's answer says: a rewritten block, or SEARCH/REPLACE blocks.

    src/a.py                      (the path is optional)
    <<<<<<< SEARCH
    lines as they are now
    =======
    lines as they shall be
    >>>>>>> REPLACE

Anything that is not clearly one of the two is refused: code is never guessed out of prose.
"""

import re
from dataclasses import dataclass

from kibitz.server.edit.lines import split_lines, with_line_end
from kibitz.server.errors import EditError

_SEARCH = re.compile(r"^\s*(?P<marks><{5,9})\s*(?:SEARCH|ORIGINAL)\b.*$", re.IGNORECASE)
_DIVIDER = re.compile(r"^\s*(?P<marks>={5,9})\s*$")
_REPLACE = re.compile(r"^\s*>{5,9}\s*(?:REPLACE|UPDATED)\b.*$", re.IGNORECASE)
_FENCE = re.compile(r"^ {0,3}(?P<marks>`{3,}|~{3,})[ \t]*(?P<info>[^`\n]*?)[ \t]*$")
_PATH = re.compile(r"^[#*`\s/]*(?P<path>[\w./\\@+-]*\w\.\w+)[`*:\s]*$")
_THINKING = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)

_MALFORMED = "The model's SEARCH/REPLACE blocks are malformed; ask again."


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The lines that shall stand in the target's place."""

    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """One SEARCH/REPLACE block; `path` is "" when the answer names none."""

    search: str
    replace: str
    path: str = ""


def parse_answer(text: str, *, language: str = "") -> Rewrite | tuple[Block, ...]:
    """Read the edit in an answer, with plain line feeds.

    Raises:
        EditError: there is no edit in the answer, it breaks off, or it could mean several things.
    """
    lines = split_lines(with_line_end(_THINKING.sub("", text), "\n"))
    if any(_SEARCH.match(line) for line in lines):
        return _blocks(lines)
    fenced = _fenced(lines, nested=language == "markdown")
    distinct = list(dict.fromkeys(fenced))
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


def _blocks(lines: list[str]) -> tuple[Block, ...]:
    """Read SEARCH/REPLACE blocks; fences and prose around them are passed over."""
    blocks: list[Block] = []
    begin: int | None = None
    for number, line in enumerate(lines):
        opens, closes = _SEARCH.match(line), _REPLACE.match(line)
        if begin is None and opens:
            begin = number
        elif begin is not None and closes:
            blocks.append(_block(lines[begin:number], _named_path(lines[:begin])))
            begin = None
        elif begin is not None and opens:
            raise EditError(_MALFORMED)
    if begin is not None:
        raise EditError("The model's answer breaks off inside a SEARCH/REPLACE block; ask for a smaller change.")
    return tuple(dict.fromkeys(blocks))


def _block(lines: list[str], path: str) -> Block:
    """Part a block, which begins with its SEARCH line, at its divider.

    A heading may be underlined with equals signs, too: the divider is the line with as many as the SEARCH line has
    marks, or the only one. Where that leaves a choice nothing is guessed.
    """
    opening = _SEARCH.match(lines[0])
    length = len(opening["marks"]) if opening else 0
    dividers = [(number, len(found["marks"])) for number, line in enumerate(lines) if (found := _DIVIDER.match(line))]
    exact = [divider for divider in dividers if divider[1] == length] or dividers
    if len(exact) != 1:
        raise EditError(_MALFORMED)
    middle = exact[0][0]
    return Block("".join(lines[1:middle]), "".join(lines[middle + 1 :]), path)


def _named_path(before: list[str]) -> str:
    """Return the path on the line before a block, looking past a fence."""
    for line in reversed(before[-2:]):
        if _FENCE.match(line):
            continue
        found = _PATH.match(line)
        return found["path"].replace("\\", "/") if found else ""
    return ""


def _fenced(lines: list[str], *, nested: bool) -> list[str]:
    """Return the contents of the fenced blocks.

    A fence with an info string inside a block opens an inner one. In Markdown (`nested`) an inner fence cannot be
    told from the outer one's end, so the first and the last fence of the answer count.
    """
    fences = [(number, found) for number, line in enumerate(lines) if (found := _FENCE.match(line))]
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
