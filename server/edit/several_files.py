"""What an answer makes of several files: each change in the file that it is for, new files, other paths; or nothing."""

from collections.abc import Callable
from dataclasses import replace

from kibitz.indexer.languages import language_of
from kibitz.server.edit.answer import Said, parse_files
from kibitz.server.edit.block import Block, Rewrite
from kibitz.server.edit.change import Edit, Target, Targets
from kibitz.server.edit.gate import Proposal, check_all
from kibitz.server.edit.lines import is_blank, split_lines
from kibitz.server.edit.names import Names, outside, spelled
from kibitz.server.edit.new_path import check_name
from kibitz.server.edit.one_file import finished_part, of_rewrite, replaced, to_edit
from kibitz.server.edit.reader import AnswerReader
from kibitz.server.errors import AbsentError, EditError

CheckPath = Callable[[str], None]
"""Refuses, with an EditError, a path that no file may be made at."""


def to_edits(answer: str, targets: Targets, *, check_path: CheckPath, instruction: str = "") -> tuple[Edit, ...]:
    """Make the edits of a finished answer, in the request's order and then the new files; all of them or none.

    Raises:
        EditError: it holds no usable edit, or the gate refuses a file; the message has a sentence for each.
    """
    if not targets.several:
        return (to_edit(answer, targets.first, instruction=instruction),)
    said = parse_files(answer, [target.path for target in targets.files])
    return check_all(_proposals(said, targets, check_path, instruction))


def finished_edits(
    answer: str, targets: Targets, *, check_path: CheckPath, instruction: str = ""
) -> tuple[Edit, ...] | None:
    """Make edits of the blocks that an answer finished before it was cut; None where those alone are no edit."""
    if not targets.several:
        part = finished_part(answer, targets.first, instruction=instruction)
        return None if part is None else (part,)
    reader = AnswerReader([target.path for target in targets.files])
    try:
        reader.feed(answer)
        said = Said(tuple(dict.fromkeys(reader.blocks)))
        return check_all(_proposals(said, targets, check_path, instruction)) if said.blocks else None
    except EditError:
        return None


def edit_of_block(block: Block, targets: Targets) -> Edit:
    """Make an edit of one block, before anything is checked.

    Raises:
        EditError: it has no place, or several; or it makes a file.
    """
    target = _target_of(block, Names(targets), targets) if targets.several else targets.first
    if target is None:
        raise EditError(outside(block.path))
    return Edit(target.path, target.text, replaced((block,), target))


def _proposals(said: Said, targets: Targets, check_path: CheckPath, instruction: str) -> list[Proposal]:
    names = Names(targets, said.renames)
    for old, new in names.new_paths.items():
        check_name(old)
        check_path(new)
    blocks, made = _blocks_by_file(said, names, targets)
    rewrites = _rewrites_by_file(said, names, targets, made)
    objections: list[str] = []
    proposals: list[Proposal] = []
    for target in targets.files:
        try:
            proposals += _of_file(
                target, blocks.get(target.path, ()), rewrites.get(target.path), names.new_paths, instruction
            )
        except EditError as error:
            objections.append(_with_path(target.path, str(error)))
    for path, text in made.items():
        try:
            check_path(path)
            if path in names.new_paths.values():
                raise EditError(f"The model makes {path} and renames another file to it; ask again.")
            proposals.append(Proposal(Edit(path, "", text, is_new=True), language_of(path), instruction))
        except EditError as error:
            objections.append(str(error))
    if objections:
        raise EditError(" ".join(objections))
    return proposals


def _of_file(
    target: Target, blocks: tuple[Block, ...], rewrite: Rewrite | None, new_paths: dict[str, str], instruction: str
) -> list[Proposal]:
    """Return the proposal for a file of the request; none where nothing is said of it, or what it says is there."""
    new_path = new_paths.get(target.path, "")
    if blocks and rewrite is not None:
        raise EditError("The model both replaces lines of the file and writes it anew; ask again.")
    if rewrite is not None:
        proposal = of_rewrite(rewrite, target, instruction)
        if not target.whole_file and not proposal.definition:
            raise EditError("The model wrote code without saying which lines go; ask again, or select all of the file.")
    else:
        text = replaced(blocks, target) if blocks else target.text
        proposal = Proposal(Edit(target.path, target.text, text), target.language, instruction)
    edit = replace(proposal.edit, new_path=new_path)
    return [replace(proposal, edit=edit)] if edit.changes else []


def _blocks_by_file(said: Said, names: Names, targets: Targets) -> tuple[dict[str, tuple[Block, ...]], dict[str, str]]:
    """Part blocks by their files, and take those that make a file: without any text to replace, at a path not there."""
    known: dict[str, tuple[Block, ...]] = {}
    made: dict[str, str] = {}
    for block in said.blocks:
        target = _target_of(block, names, targets)
        if target is not None:
            known[target.path] = (*known.get(target.path, ()), block)
        else:
            _make(spelled(block.path), block.replace, made)
    return known, made


def _target_of(block: Block, names: Names, targets: Targets) -> Target | None:
    """Return the file that a block is for; None when it makes one.

    A block that names none belongs to the only file in which it has a place.

    Raises:
        EditError: it is for a file outside the request, or it is not clear for which.
    """
    empty = not any(not is_blank(line) for line in split_lines(block.search))
    if block.path:
        found = names.find(block.path)
        if found is not None and empty and targets.new_files and not found.exact:
            raise EditError(f"It is not clear whether {block.path} is {found.target.path} or a new file; ask again.")
        if found is None and not (empty and targets.new_files):
            raise EditError(outside(block.path))
        return found.target if found is not None else None
    if empty:
        raise EditError("The model did not say which file to write; ask again.")
    places: list[Target] = []
    refusal: EditError | None = None
    for target in targets.files:
        try:
            replaced((block,), target)
            places.append(target)
        except AbsentError as absent:
            refusal = refusal or absent
    if len(places) > 1:
        where = " and ".join(target.path for target in places)
        raise EditError(f"The text that the model wants to replace stands in {where}, and it named no file; ask again.")
    if not places:
        raise refusal or EditError("There is no file to edit.")
    return places[0]


def _rewrites_by_file(said: Said, names: Names, targets: Targets, made: dict[str, str]) -> dict[str, Rewrite]:
    """Part code written anew by its files; what is for a file that is not there goes to `made`."""
    known: dict[str, Rewrite] = {}
    for rewrite in said.rewrites:
        found = names.find(rewrite.path)
        if found is None:
            if not targets.new_files:
                raise EditError(outside(rewrite.path))
            _make(spelled(rewrite.path), rewrite.text, made)
        elif not found.exact and targets.new_files:
            raise EditError(f"It is not clear whether {rewrite.path} is {found.target.path} or a new file; ask again.")
        elif found.target.path in known:
            raise EditError(f"The model wrote {found.target.path} more than once; ask for one change at a time.")
        else:
            known[found.target.path] = rewrite
    return known


def _make(path: str, text: str, made: dict[str, str]) -> None:
    if path in made:
        raise EditError(f"The model wrote {path} more than once; ask again.")
    made[path] = text


def _with_path(path: str, sentence: str) -> str:
    return sentence if path in sentence else f"{path}: {sentence}"
