"""Reading an answer while it is streamed: each finished SEARCH/REPLACE block and each finished hunk of a diff.

    src/a.py                      (the path is optional)
    <<<<<<< SEARCH
    lines as they are now
    =======
    lines as they shall be
    >>>>>>> REPLACE

Fences and prose around either are passed over. What is not finished when the answer ends is no edit. The two lines
`rename from PATH` and `rename to PATH`, which git writes above a diff, rename a file wherever they stand outside code.
"""

import re
from collections.abc import Collection

from kibitz.indexer.types import Span
from kibitz.server.edit import hunk_lines
from kibitz.server.edit.block import Block, Rename, without_numbers
from kibitz.server.edit.change import NOWHERE
from kibitz.server.edit.lines import is_blank, split_lines, with_line_end
from kibitz.server.errors import EditError

FENCE = re.compile(r"^ {0,3}(?P<marks>`{3,}|~{3,})[ \t]*(?P<info>[^`\n]*?)[ \t]*$")
DIFFS = ("diff", "udiff", "patch")

_SEARCH = re.compile(r"^\s*(?P<marks><{5,9}|-{5,9})\s*(?:SEARCH|ORIGINAL)\b.*$", re.IGNORECASE)
_DIVIDER = re.compile(r"^\s*(?P<marks>={5,9})\s*$")
_REPLACE = re.compile(r"^\s*(?:>{5,9}|\+{5,9})\s*(?:REPLACE|UPDATED)\b.*$", re.IGNORECASE)
_PATH = re.compile(r"^[#*`\s/]*(?:(?:File|Path): *[`*]*)?(?P<path>[\w./\\@+-]*\w\.\w+)[`*:\s]*$")
_AROUND_PATH = " \t\r\n`*#:"
_THINKS = re.compile(r"^\s*<think(?:ing)?>", re.IGNORECASE)
_THOUGHT = re.compile(r"</think(?:ing)?>", re.IGNORECASE)

_MALFORMED = "The model's SEARCH/REPLACE blocks are malformed; ask again."


class AnswerReader:
    """Takes an answer piece by piece. `blocks` are those that are finished, `lines` all lines but the thinking.

    `taken` are the lines of finished blocks. `paths` of files are known as such, however they look.
    """

    def __init__(self, paths: Collection[str] = ()) -> None:
        self.blocks: list[Block] = []
        self.renames: list[Rename] = []
        self.lines: list[str] = []
        self.taken: list[Span] = []
        self._paths = frozenset(paths)
        self._renamed = ""  # the path on a `rename from` line
        self._rest = ""
        self._thinking = False
        self._block: list[str] | None = None  # the lines of an open SEARCH/REPLACE block
        self._begin = 0  # the number of the line at which the open block or hunk begins
        self._path = ""
        self._fence = ""  # the marks of the fence that is open
        self._fence_begins = False  # nothing but blocks, diffs and their heads has come in it
        self._in_diff = False
        self._hunk: list[str] | None = None  # the lines of an open hunk
        self._hunk_head = ""

    def feed(self, text: str) -> tuple[Block, ...]:
        """Take the next piece, which may end anywhere, and return the blocks that it finishes.

        Raises:
            EditError: the blocks are malformed, or the answer deletes a file.
        """
        text, held = self._rest + text, ""
        if text.endswith("\r"):  # half of a line end, perhaps
            text, held = text[:-1], "\r"
        before = len(self.blocks)
        lines = split_lines(with_line_end(text, "\n"))
        self._rest = (lines.pop() if lines and not lines[-1].endswith("\n") else "") + held
        for line in lines:
            self._take(line)
        return tuple(self.blocks[before:])

    def finish(self) -> tuple[Block, ...]:
        """Take the end of the answer and return all blocks, each once.

        Raises:
            EditError: a block is not finished; `blocks` are those that are.
        """
        if self._rest:
            rest, self._rest = with_line_end(self._rest, "\n"), ""
            for line in split_lines(rest):
                self._take(line if line.endswith("\n") else line + "\n")
        if self._block is not None:
            raise EditError("The model's answer breaks off inside a SEARCH/REPLACE block; ask for a smaller change.")
        if self._hunk is not None:
            if self._fence or not hunk_lines.counted(self._hunk_head, self._hunk):
                raise EditError("The model's answer breaks off inside a diff; ask for a smaller change.")
            self._end_hunk()
        return tuple(dict.fromkeys(self.blocks))

    def _take(self, line: str) -> None:
        if self._thinking:
            thought = _THOUGHT.search(line)
            if thought is None:
                return
            self._thinking, line = False, line[thought.end() :]
            if is_blank(line):
                return
        elif self._block is None and self._hunk is None and not self._fence and (thinks := _THINKS.match(line)):
            self._thinking = True
            self._take(line[thinks.end() :])
            return
        self._read(line)
        self.lines.append(line)

    def _read(self, line: str) -> None:
        if self._block is not None:
            self._read_in_block(line)
        elif _SEARCH.match(line) and (self._may_begin or self._hunk is not None):
            self._end_hunk()
            self._in_diff = False
            self._begin = len(self.lines)
            self._block, self._path = [line], self.path_before(self._begin)
        elif self._hunk is not None:
            self._read_in_hunk(line)
        else:
            self._read_between(line)

    @property
    def _may_begin(self) -> bool:
        """Whether a block or a diff may begin here: code in a fence can hold what looks like one."""
        return self._in_diff or not self._fence or self._fence_begins

    def _read_in_block(self, line: str) -> None:
        assert self._block is not None
        if _SEARCH.match(line):
            raise EditError(_MALFORMED)
        if _REPLACE.match(line):
            self._add(_block(self._block, self._path))
            self._block = None
        else:
            self._block.append(line)

    def _read_between(self, line: str) -> None:
        """Read what stands outside of blocks and hunks: prose, fences, the heads of diffs."""
        old = hunk_lines.OLD_FILE.match(self.lines[-1]) if self.lines else None
        new = hunk_lines.NEW_FILE.match(line)
        fence = FENCE.match(line)
        if fence and (not self._fence or (not fence["info"] and fence["marks"].startswith(self._fence))):
            self._fence_begins = not self._fence
            self._fence = "" if self._fence else fence["marks"]
            self._in_diff = bool(self._fence) and fence["info"].lower() in DIFFS
            self._path = self.path_before(len(self.lines)) if self._in_diff else ""
        elif self._may_begin and old and new:
            self._in_diff, self._path = True, _changed_file(old["path"], new["path"])
        elif self._may_begin and hunk_lines.HUNK.match(line) and (self._in_diff or line.startswith("@@ -")):
            if not self._in_diff:
                self._path = self.path_before(len(self.lines))
            self._begin = len(self.lines)
            self._in_diff, self._hunk, self._hunk_head = True, [], line
        elif self._may_begin and (renames := hunk_lines.RENAME.match(line)):
            self._rename(renames["which"], hunk_lines.file_named(renames["path"]))
        elif not (is_blank(line) or any(head.match(line) for head in _HEADS_OF_FILES)):
            if self._in_diff and self._fence:  # a diff without the head of its hunk
                self._begin, self._hunk, self._hunk_head = len(self.lines), [line], ""
            else:
                self._fence_begins = self._in_diff = False

    def _read_in_hunk(self, line: str) -> None:
        assert self._hunk is not None
        if hunk_lines.HUNK.match(line):
            self._next_hunk(line)
        elif self._fence and line.startswith(self._fence):
            self._end_hunk()
            self._fence, self._in_diff = "", False
        elif hunk_lines.BETWEEN.match(line):
            self._end_hunk()
            self._read_between(line)
        elif line == "\n" and not self._fence and hunk_lines.counted(self._hunk_head, self._hunk):
            self._end_hunk()  # what follows is prose, or another head
        elif line[0] in " +-\\\n" or self._fence:
            self._hunk.append(line)
        else:
            self._end_hunk()
            self._in_diff = False

    def _next_hunk(self, head: str) -> None:
        """End a hunk at the head of the next one, which may be another file's."""
        assert self._hunk is not None
        path = self._path
        heads = [read.match(line) for read, line in zip(_HEADS, self._hunk[-2:], strict=False)]
        if len(heads) == 2 and heads[0] and heads[1]:
            del self._hunk[-2:]
            path = _changed_file(heads[0]["path"], heads[1]["path"])
        self._end_hunk()
        self._begin = len(self.lines)
        self._in_diff, self._path, self._hunk, self._hunk_head = True, path, [], head

    def _end_hunk(self) -> None:
        if self._hunk is not None and (block := hunk_lines.to_block(self._hunk, self._path)):
            self._add(block)
        self._hunk = None

    def _add(self, block: Block) -> None:
        self.blocks.append(block)
        self.taken.append(Span(self._begin, len(self.lines)))

    def _rename(self, which: str, path: str) -> None:
        if which == "from":
            self._renamed = path
        elif self._renamed:
            self.renames.append(Rename(self._renamed, path))
            self._renamed = ""

    def path_before(self, number: int) -> str:
        """Return the path on the line before a block that begins at a line, looking past a fence and blank lines."""
        for line in reversed(self.lines[max(0, number - _PATH_LINES) : number]):
            if is_blank(line) or FENCE.match(line):
                continue
            return self.path_in(line)
        return ""

    def path_in(self, line: str) -> str:
        """Return the path that a line is, decorated perhaps; "" when it is none."""
        bare = line.strip(_AROUND_PATH)
        if bare in self._paths:
            return bare
        found = _PATH.match(line)
        return found["path"].replace("\\", "/") if found else ""


_PATH_LINES = 4  # before a block among which its path stands
_HEADS = (hunk_lines.OLD_FILE, hunk_lines.NEW_FILE)
_HEADS_OF_FILES = (hunk_lines.BETWEEN, hunk_lines.OLD_FILE, _PATH)


def _changed_file(old: str, new: str) -> str:
    if new == NOWHERE:
        raise EditError(f"The model wants to delete {hunk_lines.file_named(old)}; delete it yourself if that is meant.")
    return hunk_lines.file_named(new)


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
    search, replace = "".join(lines[1:middle]), "".join(lines[middle + 1 :])
    return Block(search, replace, path, without_numbers(search, replace))
