"""What an answer makes of one file: its text with blocks replaced, or with lines written anew."""

from dataclasses import replace

from kibitz.indexer.types import Span
from kibitz.server.edit.answer import parse_answer
from kibitz.server.edit.block import Block, Rewrite, unnumbered
from kibitz.server.edit.change import Edit, Target, apply
from kibitz.server.edit.definition import lines_defined_anew, refuse_wider
from kibitz.server.edit.gate import Proposal, check
from kibitz.server.edit.indent import fit
from kibitz.server.edit.lines import content, is_blank, line_end, split_lines, with_line_end
from kibitz.server.edit.locate import locate_all
from kibitz.server.edit.reader import AnswerReader
from kibitz.server.errors import EditError


def to_edit(answer: str, target: Target, *, instruction: str = "") -> Edit:
    """Make an edit of a finished answer.

    Raises:
        EditError: it holds no usable edit, or the gate refuses it.
    """
    found = parse_answer(answer, language=target.language)
    if isinstance(found, Rewrite):
        return check(of_rewrite(found, target, instruction))
    return check(Proposal(Edit(target.path, target.text, of_blocks(found, target)), target.language, instruction))


def finished_part(answer: str, target: Target, *, instruction: str = "") -> Edit | None:
    """Make an edit of the blocks that an answer finished before it was cut; None where those alone are no edit."""
    reader = AnswerReader()
    try:
        reader.feed(answer)
        if not reader.blocks:
            return None
        edit = Edit(target.path, target.text, of_blocks(tuple(dict.fromkeys(reader.blocks)), target))
        return check(Proposal(edit, target.language, instruction))
    except EditError:
        return None


def of_rewrite(rewrite: Rewrite, target: Target, instruction: str = "") -> Proposal:
    """Put code in the place of the target's lines, or of the one definition in them that it writes anew.

    Raises:
        EditError: it cannot be told which lines go.
    """
    anew = lines_defined_anew(rewrite.text, target) if target.whole_file else None
    if not target.whole_file:
        refuse_wider(rewrite.text, target)
    new = _rewritten(rewrite, target if anew is None else replace(target, span=anew))
    return Proposal(
        Edit(target.path, target.text, new),
        language=target.language,
        instruction=instruction,
        whole_rewrite=target.whole_file and anew is None,
        definition=anew is not None,
    )


def of_blocks(blocks: tuple[Block, ...], target: Target) -> str:
    """Make the replacements of blocks inside the target's lines.

    Raises:
        EditError: a block is for another file, or has no place, or several.
    """
    for block in blocks:
        if block.path and not _same_file(block.path, target.path):
            raise EditError(
                f"The model wants to edit {block.path} instead of {target.path}; ask for that file if it is meant."
            )
    return replaced(blocks, target)


def replaced(blocks: tuple[Block, ...], target: Target) -> str:
    """Make the replacements of blocks, whatever file they name.

    Raises:
        EditError: a block has no place, or several.
    """
    lines = split_lines(target.text)
    within = Span(target.span.start, min(target.span.end, len(lines)))
    text, end = target.text, line_end(target.text)
    replacements = locate_all(blocks, text, within)
    new = apply(text, replacements)
    if lines and lines[-1] == content(lines[-1]) and replacements and replacements[-1].span.end == len(lines):
        return new[: -len(end)] if new.endswith(end) else new
    return new


def _rewritten(rewrite: Rewrite, target: Target) -> str:
    """Put a rewritten block in the target's place.

    Blank lines around the target stay as they are, those around the block go: a selection often takes one along, and
    models drop or add them at will.
    """
    before, inside, after = target.parts()
    old = split_lines(inside)
    full = [number for number, line in enumerate(old) if not is_blank(line)]
    first, last = (full[0], full[-1] + 1) if full else (len(old), len(old))
    text = rewrite.text if unnumbered(inside) else unnumbered(rewrite.text) or rewrite.text
    block = fit(_trimmed(text), old, split_lines(target.text))
    end = line_end(target.text)
    if block and before and before == content(before):
        before += end  # an insertion after a last line that has no end
    pieces = [before, *old[:first], with_line_end(block, end), *old[last:], after]
    # The block takes the end of the line that it takes the place of: none at the end of a file without one.
    if old[first:last] and old[last - 1] == content(old[last - 1]):
        lines = split_lines("".join(pieces))
        return "".join([*lines[:-1], *map(content, lines[-1:])])
    return "".join(pieces)


def _trimmed(text: str) -> str:
    """Drop blank lines around a block and end it with one line end; a block of blanks becomes ""."""
    lines = split_lines(text)
    full = [number for number, line in enumerate(lines) if not is_blank(line)]
    if not full:
        return ""
    kept = "".join(lines[full[0] : full[-1] + 1])
    return content(kept) + "\n"


def _same_file(named: str, path: str) -> bool:
    """A model may name a file by its last parts only."""
    named = named.removeprefix("./").lstrip("/")
    return path == named or path.endswith("/" + named) or named.endswith("/" + path)
