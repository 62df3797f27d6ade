"""Where the block that is being written ends."""

import re

from kibitz.server.completion.code import PROSE, width
from kibitz.server.completion.snapshot import Snapshot

CLOSES = re.compile(r"\s*(?:[)\]}]+[;,)]*|end[;,)]?|fi|done|esac)\s*$")
_CONTINUES = re.compile(
    r"\s*(?:[)\]}]|(?:else|elif|elsif|elseif|except|finally|catch|rescue|ensure|case|when|default|where|and|or|then|do|"
    r"end|fi|done|esac)\b|[.?:&|+*/]|-[^-])"
)
_DEFINES = re.compile(
    r"(?:(?:export|default|public|private|protected|internal|static|abstract|final|override|async|unsafe|inline|virtual|"
    r"pub(?:\([\w:]*\))?)\s+)*(?:def|defp|class|func|fn|fun|function|interface|struct|enum|trait|impl|type|module|"
    r"namespace|object|record|sub|constructor|public|private|protected|static)\b"
)


def stop_at_block_end(text: str, at: Snapshot) -> str:
    """Cut after the block around the cursor, or the block that the current line opens.

    A line indented less than the cursor's line ends the enclosing block; only a closing bracket or keyword there still
    belongs to it. A block that the current line opens ends where a line stands under its head again. Outside any block,
    or in a text that begins with a definition, a block that the text opened ends there too when a blank line has gone
    before. Two blank lines end anything.
    """
    lines = text.split("\n")
    if at.language in PROSE:
        return "\n".join(lines[: _before_two_blank_lines(lines)])
    line = at.prefix[at.prefix.rfind("\n") + 1 :]
    base = width(line + lines[0]) if not line.strip() and lines[0].strip() else width(line + "|")
    heads_block = bool(line.strip()) and _first_width(lines[1:]) > base
    one_definition = base == 0 or _DEFINES.match((line + lines[0]).lstrip()) is not None
    gone_deeper, blanks = False, 0
    for number, each in enumerate(lines[1:], 1):
        here = width(each)
        if not each.strip():
            blanks += 1
        elif here < base:
            return "\n".join(lines[: number + 1 if CLOSES.match(each) and not blanks else number])
        elif here == base and gone_deeper and (heads_block or (one_definition and blanks)) and not _goes_on(each):
            return "\n".join(lines[:number])
        else:
            gone_deeper |= here > base
            blanks = 0
    return "\n".join(lines[: _before_two_blank_lines(lines)])


def _goes_on(line: str) -> bool:
    return _CONTINUES.match(line) is not None


def _first_width(lines: list[str]) -> int:
    return next((width(line) for line in lines if line.strip()), 0)


def _before_two_blank_lines(lines: list[str]) -> int:
    """Count the lines before two blank ones that follow something."""
    for number in range(1, len(lines) - 1):
        if not lines[number].strip() and not lines[number + 1].strip() and any(map(str.strip, lines[:number])):
            return number
    return len(lines)
