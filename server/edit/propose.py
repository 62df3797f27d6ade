"""From an instruction to an edit: prompt, answer, place, gate."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kibitz.server.chat.stream import closing, open_stream
from kibitz.server.edit.change import Edit, Targets
from kibitz.server.edit.reader import AnswerReader
from kibitz.server.edit.several_files import CheckPath, edit_of_block, finished_edits, to_edits
from kibitz.server.errors import EditError, UnfinishedEditError
from kibitz.server.llm.ports import ChatModel
from kibitz.server.rendering import Counting, rendered_off_the_loop
from kibitz.server.retrieval import Retrieve, outside, to_items

if TYPE_CHECKING:
    from kibitz.indexer.types import Hit
    from kibitz.prompts.nodes import Node
    from kibitz.prompts.render import Rendered
    from kibitz.prompts.templates.context import Definition, Rules
    from kibitz.prompts.templates.edit import Beside

HITS = 8  # context comes after the file itself; the budget decides how many are shown
QUERY_CHARS = 1_000  # of the target, beside the instruction
MESSAGE_TOKENS = 8  # that a chat format puts around a message, at most
OUTLINE_SHARE = 0.1  # of the budget, for the definitions of what the target names

Outlines = Callable[[str, str, float], Awaitable[Sequence["Definition"]]]
"""A file, a part of it, and a number of tokens: outlines of what that part names."""


async def edit_prompt(
    instruction: str,
    targets: Targets,
    *,
    retrieve: Retrieve,
    counting: Counting,
    budget_tokens: int,
    reserve_tokens: int,
    small: bool = False,
    model: str | None = None,
    wanted_format: str = "",
    outlines: Outlines | None = None,
    rules: "Sequence[Rules]" = (),
) -> "Rendered":
    """Render the prompt of an edit: the target, the document around it, what the index knows of the matter.

    `small` asks in the form that a very small model can follow: the target lines alone. Edits of whole files are asked
    for in the form that suits `model`, or in the one wanted. Further files are shown whole. `outlines` tells the
    definitions of what the target names.

    Raises:
        BudgetError: the target, or the further files, do not fit.
        EditError: a very small model is asked for more than the target lines.
    """
    from kibitz.prompts.templates.context import Context
    from kibitz.prompts.templates.edit import edit_tree
    from kibitz.prompts.templates.edit_formats import edit_format_for
    from kibitz.prompts.templates.small import small_edit_tree

    target = targets.first
    if small and targets.several:
        raise EditError("This model is too small to edit several files; ask for the lines of one, or set edit_model.")
    before, inside, after = target.parts()
    hits: Sequence[Hit] = () if small else await retrieve(f"{instruction}\n{inside[:QUERY_CHARS]}", HITS)
    for shown in targets.files:
        hits = outside(hits, shown.path)
    definitions: Sequence[Definition] = ()
    if outlines is not None and not small:
        definitions = await outlines(target.path, inside, OUTLINE_SHARE * budget_tokens)

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
            context=Context(items=to_items(hits), definitions=definitions, rules=rules),
            whole_file=target.whole_file,
            edit_format=edit_format_for(model, wanted_format),
            beside=_beside(targets) if targets.several else None,
            reserve_tokens=reserve_tokens,
        )

    return await rendered_off_the_loop(tree, budget_tokens=budget_tokens, counting=counting)


def _beside(targets: Targets) -> "Beside":
    from kibitz.prompts.templates.edit import Beside

    others = tuple((one.path, one.language, one.text) for one in targets.others)
    return Beside(others, new_files=targets.new_files, renames=targets.renames)


async def propose(
    rendered: "Rendered",
    targets: Targets,
    model: ChatModel,
    *,
    max_tokens: int,
    check_path: CheckPath,
    on_delta: Callable[[str], None] | None = None,
    on_block: Callable[[Edit], None] | None = None,
    instruction: str = "",
    again: Callable[[int], Awaitable["Rendered"]] | None = None,
) -> tuple[Edit, ...]:
    """Ask the model and make edits of its answer; when one is refused, show the model why and ask once more.

    `on_delta` is told each piece of the answer as it comes, `on_block` each change that has a place as soon as it is
    finished, before the gate. `check_path` refuses paths at which no file may be made. `instruction` tells the gate
    whether deleting was asked for; without it, an edit that deletes most of a file is refused. `again` renders the same
    prompt with so many tokens less, which the answer that was refused and the reason then take; without it there is no
    second round.

    Raises:
        EditError: the answer holds no usable edit, or the gate refuses it.
        UnfinishedEditError: the answer was cut; what of it was finished comes with the error.
        ModelError: the model could not answer.
    """
    asked = _Asked(targets, instruction, check_path)
    told = _Told(targets, on_delta, on_block)
    answer = await _answer(rendered, asked, model, max_tokens=max_tokens, told=told)
    try:
        # Comparing and parsing two versions of a long file takes a while.
        return await asyncio.to_thread(asked.edits, answer)
    except EditError as refusal:
        second = await _with_objection(rendered, answer, str(refusal), again) if again is not None else None
        if second is None:
            raise
    answer = await _answer(second, asked, model, max_tokens=max_tokens, told=told)
    return await asyncio.to_thread(asked.edits, answer)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an answer is made into edits with."""

    targets: Targets
    instruction: str
    check_path: CheckPath

    def edits(self, answer: str) -> tuple[Edit, ...]:
        return to_edits(answer, self.targets, check_path=self.check_path, instruction=self.instruction)

    def finished(self, answer: str) -> tuple[Edit, ...] | None:
        return finished_edits(answer, self.targets, check_path=self.check_path, instruction=self.instruction)


@dataclass(frozen=True, slots=True)
class _Told:
    """Who hears what while the model answers."""

    targets: Targets
    on_delta: Callable[[str], None] | None
    on_block: Callable[[Edit], None] | None

    async def tell(self, text: str, reader: AnswerReader) -> None:
        """Take a piece. A block that is malformed or has no place is refused at the end, with the reason."""
        if self.on_delta is not None and text:
            self.on_delta(text)
        if self.on_block is not None:
            with suppress(EditError):
                for block in reader.feed(text):
                    self.on_block(await asyncio.to_thread(edit_of_block, block, self.targets))


async def _answer(rendered: "Rendered", asked: _Asked, model: ChatModel, *, max_tokens: int, told: _Told) -> str:
    pieces: list[str] = []
    finish: str | None = None
    reader = AnswerReader([target.path for target in asked.targets.files])
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
        finished = await asyncio.to_thread(asked.finished, "".join(pieces))
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
