"""From an instruction to an edit: prompt, answer, place, gate."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kibitz.indexer.types import Span
from kibitz.server.chat.stream import closing, open_stream
from kibitz.server.edit.answer import Block, Rewrite, parse_answer
from kibitz.server.edit.block import unnumbered
from kibitz.server.edit.change import Edit, Target, apply
from kibitz.server.edit.definition import lines_defined_anew, refuse_wider
from kibitz.server.edit.gate import Proposal, check
from kibitz.server.edit.indent import fit
from kibitz.server.edit.lines import content, is_blank, line_end, split_lines, with_line_end
from kibitz.server.edit.locate import locate_all
from kibitz.server.edit.reader import AnswerReader
from kibitz.server.errors import EditError, UnfinishedEditError
from kibitz.server.llm.ports import ChatModel
from kibitz.server.rendering import Counting, rendered_off_the_loop
from kibitz.server.retrieval import Retrieve, outside, to_items

if TYPE_CHECKING:
    from kibitz.prompts.nodes import Node
    from kibitz.prompts.render import Rendered

__all__ = ["Edit", "Target", "edit_prompt", "propose", "to_edit"]

HITS = 8  # context comes after the file itself; the budget decides how many are shown
QUERY_CHARS = 1_000  # of the target, beside the instruction
MESSAGE_TOKENS = 8  # that a chat format puts around a message, at most


async def edit_prompt(
    instruction: str,
    target: Target,
    *,
    retrieve: Retrieve,
    counting: Counting,
    budget_tokens: int,
    reserve_tokens: int,
    small: bool = False,
    model: str | None = None,
    wanted_format: str = "",
) -> "Rendered":
    """Render the prompt of an edit: the target, the document around it, what the index knows of the matter.

    `small` asks in the form that a very small model can follow: the target lines alone. Edits of a whole file are asked
    for in the form that suits `model`, or in the one wanted.

    Raises:
        BudgetError: the target alone does not fit.
    """
    from kibitz.prompts.templates.context import Context
    from kibitz.prompts.templates.edit import edit_tree
    from kibitz.prompts.templates.edit_formats import edit_format_for
    from kibitz.prompts.templates.small import small_edit_tree

    before, inside, after = target.parts()
    hits = () if small else await retrieve(f"{instruction}\n{inside[:QUERY_CHARS]}", HITS)

    def tree() -> "Node":
        if small:
            return small_edit_tree(
                instruction, path=target.path, language=target.language, target=inside, reserve_tokens=reserve_tokens
            )
        return edit_tree(
            instruction,
            path=target.path,
            language=target.language,
            before=before,
            target=inside,
            after=after,
            context=Context(items=to_items(outside(hits, target.path))),
            whole_file=target.whole_file,
            edit_format=edit_format_for(model, wanted_format),
            reserve_tokens=reserve_tokens,
        )

    return await rendered_off_the_loop(tree, budget_tokens=budget_tokens, counting=counting)


async def propose(
    rendered: "Rendered",
    target: Target,
    model: ChatModel,
    *,
    max_tokens: int,
    on_delta: Callable[[str], None] | None = None,
    on_block: Callable[[Edit], None] | None = None,
    instruction: str = "",
    again: Callable[[int], Awaitable["Rendered"]] | None = None,
) -> Edit:
    """Ask the model and make an edit of its answer; when it is refused, show the model why and ask once more.

    `on_delta` is told each piece of the answer as it comes, `on_block` each change that has a place as soon as it is
    finished, before the gate. `instruction` tells the gate whether deleting was asked for; without it, an edit that
    deletes most of a file is refused. `again` renders the same prompt with so many tokens less, which the answer that
    was refused and the reason then take; without it there is no second round.

    Raises:
        EditError: the answer holds no usable edit, or the gate refuses it.
        UnfinishedEditError: the answer was cut; what of it was finished comes with the error.
        ModelError: the model could not answer.
    """
    told = _Told(target, on_delta, on_block)
    answer = await _answer(rendered, target, model, max_tokens=max_tokens, told=told, instruction=instruction)
    try:
        # Comparing and parsing two versions of a long file takes a while.
        return await asyncio.to_thread(to_edit, answer, target, instruction=instruction)
    except EditError as refusal:
        second = await _with_objection(rendered, answer, str(refusal), again) if again is not None else None
        if second is None:
            raise
    answer = await _answer(second, target, model, max_tokens=max_tokens, told=told, instruction=instruction)
    return await asyncio.to_thread(to_edit, answer, target, instruction=instruction)


@dataclass(frozen=True, slots=True)
class _Told:
    """Who hears what while the model answers."""

    target: Target
    on_delta: Callable[[str], None] | None
    on_block: Callable[[Edit], None] | None

    async def tell(self, text: str, reader: AnswerReader) -> None:
        """Take a piece. A block that is malformed or has no place is refused at the end, with the reason."""
        if self.on_delta is not None and text:
            self.on_delta(text)
        if self.on_block is not None:
            with suppress(EditError):
                for block in reader.feed(text):
                    new = await asyncio.to_thread(_replaced, (block,), self.target)
                    self.on_block(Edit(self.target.path, self.target.text, new))


async def _answer(
    rendered: "Rendered", target: Target, model: ChatModel, *, max_tokens: int, told: _Told, instruction: str
) -> str:
    pieces: list[str] = []
    finish: str | None = None
    reader = AnswerReader()
    async with closing(open_stream(rendered, model, max_tokens=max_tokens)) as stream:
        async for delta in stream:
            pieces.append(delta.text)
            finish = delta.finish_reason or finish
            await told.tell(delta.text, reader)
    if finish == "length":
        said = (
            f"The model's answer was cut at {max_tokens} tokens, and half an edit is none; select fewer "
            "lines, or raise edit_tokens."
        )
        finished = await asyncio.to_thread(finished_part, "".join(pieces), target, instruction=instruction)
        raise EditError(said) if finished is None else UnfinishedEditError(said, finished)
    return "".join(pieces)


async def _with_objection(
    rendered: "Rendered", answer: str, refusal: str, again: Callable[[int], Awaitable["Rendered"]] | None
) -> "Rendered | None":
    """Render the prompt once more, with the answer and what is wrong with it; None where that does not fit."""
    from kibitz.prompts.errors import PromptError
    from kibitz.prompts.model_names import estimate_for
    from kibitz.prompts.rendered import RenderedMessage

    if again is None or rendered.messages is None or not answer.strip():
        return None
    more = (
        RenderedMessage("assistant", answer),
        RenderedMessage("user", f"{refusal}\nNothing was applied. Answer again in the same form, with the whole edit."),
    )
    tokens = sum(estimate_for(None).count(message.content) + MESSAGE_TOKENS for message in more)
    try:
        smaller = await again(tokens)
    except PromptError:
        return None
    if smaller.messages is None:
        return None
    return replace(smaller, messages=(*smaller.messages, *more), tokens=smaller.tokens + tokens, exact=False)


def to_edit(answer: str, target: Target, *, instruction: str = "") -> Edit:
    """Make an edit of a finished answer.

    Raises:
        EditError: it holds no usable edit, or the gate refuses it.
    """
    found = parse_answer(answer, language=target.language)
    if not isinstance(found, Rewrite):
        edit = Edit(target.path, target.text, _replaced(found, target))
        return check(Proposal(edit, language=target.language, instruction=instruction))
    anew = lines_defined_anew(found.text, target) if target.whole_file else None
    if not target.whole_file:
        refuse_wider(found.text, target)
    new = _rewritten(found, target if anew is None else replace(target, span=anew))
    return check(
        Proposal(
            Edit(target.path, target.text, new),
            language=target.language,
            instruction=instruction,
            whole_rewrite=target.whole_file and anew is None,
            definition=anew is not None,
        )
    )


def finished_part(answer: str, target: Target, *, instruction: str = "") -> Edit | None:
    """Make an edit of the blocks that an answer finished before it was cut; None where those alone are no edit."""
    reader = AnswerReader()
    try:
        reader.feed(answer)
        if not reader.blocks:
            return None
        edit = Edit(target.path, target.text, _replaced(tuple(dict.fromkeys(reader.blocks)), target))
        return check(Proposal(edit, language=target.language, instruction=instruction))
    except EditError:
        return None


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


def _replaced(blocks: tuple[Block, ...], target: Target) -> str:
    """Make the replacements of SEARCH/REPLACE blocks inside the target's lines."""
    for block in blocks:
        if block.path and not _same_file(block.path, target.path):
            raise EditError(
                f"The model wants to edit {block.path} instead of {target.path}; ask for that file if it is meant."
            )
    lines = split_lines(target.text)
    within = Span(target.span.start, min(target.span.end, len(lines)))
    text, end = target.text, line_end(target.text)
    replacements = locate_all(blocks, text, within)
    new = apply(text, replacements)
    if lines and lines[-1] == content(lines[-1]) and replacements and replacements[-1].span.end == len(lines):
        return new[: -len(end)] if new.endswith(end) else new
    return new


def _same_file(named: str, path: str) -> bool:
    """A model may name a file by its last parts only."""
    named = named.removeprefix("./").lstrip("/")
    return path == named or path.endswith("/" + named) or named.endswith("/" + path)
