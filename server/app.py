"""The composition root: everything is built here, by hand, and handed to what needs it."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kibitz.server.chat.conversation import Conversations
from kibitz.server.chat.sessions import Sessions
from kibitz.server.completion.nearby import Nearby
from kibitz.server.completion.recent import Recent
from kibitz.server.config import Config, load
from kibitz.server.counting import Counters
from kibitz.server.gathering import Gathering
from kibitz.server.indexed import Indexed
from kibitz.server.llm.sent import SentPrompts
from kibitz.server.rendering import Memories
from kibitz.server.rules import RuleFiles

if TYPE_CHECKING:
    from kibitz.prompts.pace import Choice
    from kibitz.prompts.render import Rendered
    from kibitz.prompts.templates.context import Rules
    from kibitz.server.chat.beside import Beside, Composed
    from kibitz.server.chat.question import Question
    from kibitz.server.chat.suggestions import Offered
    from kibitz.server.completion.pace import CompletionPace
    from kibitz.server.completion.snapshot import Snapshot
    from kibitz.server.completion.suggest import Suggestion
    from kibitz.server.edit.change import Edit, Target, Targets
    from kibitz.server.llm.ports import Delta
    from kibitz.server.models import Models
    from kibitz.server.rendering import Counting
    from kibitz.server.retrieval import Retrieve

LOOK_AGAIN_S = 5.0  # ghost text asks at every key: ports are not knocked at that often


class App(Indexed):
    """One workspace with its index and its models. Nothing is opened before it is needed."""

    def __init__(self, root: Path, config: Config, environ: Mapping[str, str]) -> None:
        super().__init__(root, config, environ)
        self._models: Models | None = None
        self._pace: CompletionPace | None = None
        self._choosing = asyncio.Lock()
        self._settling = asyncio.Lock()
        self._none_before: tuple[float, str] | None = None
        self._memories = Memories()
        self._conversations = Conversations()
        self.rule_files = RuleFiles(root)
        self.sessions = Sessions(config.data_dir, root)
        self._counters = Counters(config)
        self._sent = SentPrompts()
        self._nearby = Nearby(self.retrieve)
        self.recent = Recent()
        self.gathering = Gathering(self, self.recent, self.first_token_s)
        self._preparing: asyncio.Task[None] | None = None
        self._warm: set[str] = set()  # languages

    def status(self) -> dict[str, Any]:
        """The state of this workspace, for `kibitz status` and `kibitz/status`."""
        from dataclasses import asdict

        state = asdict(self.index_status())
        models = self._models
        told = {"model": models.chat.name if models else None, "trouble": models.lines.status if models else None}
        return {"root": str(self.root), "index": state, "embedder": self.embedder().name, **told}

    # -- the models --------------------------------------------------------------------------------------------

    async def models(self) -> "Models":
        """The models, chosen once; where there was none, the next look is taken some seconds later.

        Raises:
            NoModelError: there is none; the sentence says what to do.
        """
        from kibitz.server.errors import NoModelError

        async with self._choosing:
            if self._models is None:
                from kibitz.server.models import budgets_for, choose

                if self._none_before and time.monotonic() < self._none_before[0]:
                    raise NoModelError(self._none_before[1])
                try:
                    self._models = await choose(self.config, self._sent)
                except NoModelError as error:
                    self._none_before = (time.monotonic() + LOOK_AGAIN_S, str(error))
                    raise
                self.config = budgets_for(self._models, self.config)
                self._pace = await asyncio.to_thread(_pace_of, self._models, self.config)
            return self._models

    async def completion_models(self) -> "Models":
        """The models, once it is known how the completer fills in the middle.

        Raises:
            NoModelError: there is none.
        """
        from kibitz.server.models import settled

        models = await self.models()
        async with self._settling:
            if self._models is models:
                self._models = await settled(models, self.config)
            return self._models or models

    async def counting(self, *, completion: bool = False, edit: bool = False) -> "Counting":
        """How prompts for the chosen chat model, or the model for completions or edits, are counted.

        Raises:
            ConfigError, PromptError: the tokenizer that the settings name cannot be used.
        """
        return await self._counters.counting(await self._models_or_none(), completion=completion, edit=edit)

    def sent_prompts(self, last: int) -> "Sequence[Mapping[str, Any]]":
        """The last prompts that were sent, at most twenty, the latest first, with placeholders where secrets were."""
        return self._sent.as_json(last)

    # -- the three model paths: a prompt, and what a model makes of it -------------------------------------------

    async def compose(self, text: str, beside: "Beside") -> "Composed":
        """A question of what the user wrote, with what it mentions.

        Raises:
            UnknownPromptError: it begins with a slash and a word that is no prompt.
        """
        from kibitz.server.chat.compose import compose

        return await asyncio.to_thread(compose, self, self.rule_files, text, beside)

    async def suggestions(self, text: str) -> "Sequence[Offered]":
        """What may follow a question's beginning: mentions and slash prompts."""
        from kibitz.server.chat.suggestions import suggestions

        return await asyncio.to_thread(suggestions, self, text)

    async def ask_prompt(self, question: "Question", session: str = "") -> "Rendered":
        """The prompt of a question, or of the next one of a chat session."""
        from kibitz.server.chat.ask import ask_prompt

        return await ask_prompt(
            question,
            retrieve=self.retrieve_reranked,
            counting=await self.counting(),
            budget_tokens=self.config.ask_budget_tokens,
            reserve_tokens=self.config.answer_tokens,
            small=await self._is_small(),
            conversation=self._conversations.of(session) if session else None,
        )

    async def ask(self, rendered: "Rendered") -> "AsyncGenerator[Delta]":
        """Stream the answer to a rendered question."""
        from contextlib import aclosing

        from kibitz.server.chat.ask import stream_answer

        models = await self.models()
        limit = self.config.answer_tokens
        async with aclosing(stream_answer(rendered, models.chat, max_tokens=limit, small=models.small)) as deltas:
            async for delta in deltas:
                yield delta

    async def completion_prompt(self, at: "Snapshot") -> "Rendered":
        """The prompt of a completion, as it is asked first."""
        return await self._plain_completion_prompt(await self._healed(at))

    def prepare(self, at: "Snapshot", due_s: float) -> None:
        """Begin what a suggestion at this cursor will need, which may be asked for in `due_s` seconds, or never."""
        if self._preparing is not None:
            self._preparing.cancel()
        self._preparing = asyncio.create_task(self._prepare(at, due_s))

    async def warm(self, at: "Snapshot") -> None:
        """Get ready for suggestions in a document that was opened, once for each language.

        Where the workspace is not trusted no endpoint is spoken to before somebody asks for something.
        """
        from kibitz.server.completion.warm import warm

        if self.config.trusted and at.language not in self._warm:
            self._warm.add(at.language)
            await warm(self, at)

    async def _prepare(self, at: "Snapshot", due_s: float) -> None:
        """Render what is known, so that only what is found until the question comes has to be rendered then.

        If there is time the document is looked at, too, as the answer's filters will.
        """
        from kibitz.server.completion.filters import look_around
        from kibitz.server.errors import USER_ERRORS

        began = time.monotonic()
        with contextlib.suppress(*USER_ERRORS):  # the question itself tells
            healed = await self._healed(at)
            await self._plain_completion_prompt(healed, self._nearby.ahead(healed, due_s))
        if time.monotonic() - began < due_s / 2:  # it does not delay the question
            await asyncio.to_thread(look_around, at.with_line_feeds())

    async def _healed(self, at: "Snapshot") -> "Snapshot":
        """The cursor that a prompt ends at first: before the word that is being written, where that is healed."""
        from kibitz.server.completion.healing import cut_back

        models = await self._models_or_none(completion=True)
        cut = cut_back(at) if models is not None and models.family is not None else None
        return cut.at if cut is not None else at

    async def _plain_completion_prompt(self, at: "Snapshot", retrieve: "Retrieve | None" = None) -> "Rendered":
        """The prompt that ends at the cursor, whatever stands there."""
        from kibitz.server.completion.suggest import completion_prompt

        models = await self._models_or_none(completion=True)
        return await completion_prompt(
            at,
            retrieve=retrieve or self._nearby.at(at),
            family=models.family if models else None,
            counting=await self.counting(completion=True),
            budget_tokens=(await self.completion_budget()).tokens,
            reserve_tokens=self.config.completion_tokens,
            gather=self.gathering.at,
            repo=self.root.name,
            memory=self._memories.of(at.path),
        )

    async def completion_budget(self) -> "Choice":
        """The budget of a completion that is asked for now, and why it is that."""
        from kibitz.prompts.pace import Choice

        await self._models_or_none()
        as_asked = self.config.sources.get("completion_budget_tokens") == "flag"
        if self._pace is None or as_asked:
            return Choice(self.config.completion_budget_tokens, "as the flag says" if as_asked else "there is no model")
        return self._pace.choose(self.config)

    async def suggest(self, at: "Snapshot", temperature: float = 0.0) -> "Suggestion | None":
        """Ghost text at the cursor, or None."""
        from kibitz.server.completion.candidates import Warmer, suggest_at

        models = await self.completion_models()
        pace = self._pace
        assert pace is not None
        shown = await suggest_at(
            at,
            self._plain_completion_prompt,
            lambda rendered: Warmer(pace.timed(models.completer or models.chat, rendered), temperature),
            family=models.family,
            max_tokens=self.config.completion_tokens,
        )
        await pace.save()
        return shown

    async def suggest_several(self, at: "Snapshot", count: int) -> "Sequence[Suggestion]":
        """Up to so many suggestions that differ, the likeliest first."""
        from kibitz.server.completion.candidates import several

        return await several(count, lambda temperature: self.suggest(at, temperature))

    def first_token_s(self) -> float | None:
        """What the completion model's last answers usually took to begin, in seconds; None: nothing is known."""
        return self._pace.usual_s() if self._pace is not None else None

    async def edit_prompt(self, instruction: str, targets: "Targets", *, spare_tokens: int = 0) -> "Rendered":
        """The prompt of an edit, with so many tokens of its budget to spare."""
        from kibitz.server.edit.propose import edit_prompt

        models = await self._models_or_none()
        return await edit_prompt(
            instruction,
            targets,
            retrieve=self.retrieve_reranked,
            counting=await self.counting(edit=True),
            budget_tokens=self.config.edit_budget_tokens - spare_tokens,
            reserve_tokens=self.config.edit_tokens,
            small=await self._is_small(edit=True),
            model=models.edits.name if models is not None else None,
            wanted_format=self.config.edit_format,
            outlines=self.gathering.outlines,
            rules=await self._rules_for(targets),
        )

    async def _rules_for(self, targets: "Targets") -> "Sequence[Rules]":
        """What the workspace says of how these files are written, if the user trusts it."""
        if not self.config.trusted:
            return ()
        return await asyncio.to_thread(self.rule_files.near, [target.path for target in targets.files])

    async def propose(
        self,
        instruction: str,
        targets: "Targets",
        on_delta: "Callable[[str], None] | None" = None,
        on_block: "Callable[[Edit], None] | None" = None,
    ) -> "tuple[Edit, ...]":
        """Edits that passed their gate, all or none; a model that is not very small may mend those that did not, once.

        Raises:
            EditError: the answer held no usable edit, or the gate refused one.
        """
        from kibitz.server.edit.new_path import check_new_path
        from kibitz.server.edit.propose import propose

        def check_path(path: str) -> None:
            check_new_path(self.root, path, self.rules)

        async def again(spare_tokens: int) -> "Rendered":
            return await self.edit_prompt(instruction, targets, spare_tokens=spare_tokens)

        models = await self.models()
        rendered = await self.edit_prompt(instruction, targets)
        return await propose(
            rendered,
            targets,
            models.edits,
            max_tokens=self.config.edit_tokens,
            check_path=check_path,
            on_delta=on_delta,
            on_block=on_block,
            instruction=instruction,
            again=None if models.small else again,
        )

    def file_to_edit(self, path: str) -> "Target":
        """A file that no editor has open, to be edited beside one that is: its text as it is on disk.

        Raises:
            WorkspaceError: there is no such file, or a rule leaves it out of the index.
        """
        from kibitz.indexer.languages import language_of
        from kibitz.server.admitted import admitted_text
        from kibitz.server.edit.change import whole_file
        from kibitz.server.edit.files import read_document

        inside, _ = admitted_text(self, path)
        return whole_file(inside, read_document(self.root, inside), language_of(inside))

    async def close(self) -> None:
        """Close the models' connections; an embedded one stops."""
        if self._preparing is not None:
            self._preparing.cancel()
        self._nearby.close()
        self.gathering.close()
        await self.rest()
        await self.second_stage.close()
        if self._pace is not None:
            await self._pace.save(now=True)
        self._counters.close()
        if self._models is not None:
            await self._models.close()

    async def _models_or_none(self, *, completion: bool = False) -> "Models | None":
        """A prompt can be looked at without a model."""
        from kibitz.server.errors import NoModelError

        try:
            return await (self.completion_models() if completion else self.models())
        except NoModelError:
            return None

    async def _is_small(self, *, edit: bool = False) -> bool:
        models = await self._models_or_none()
        return models is not None and models.small and not (edit and models.editor)


def build_app(
    root: Path,
    *,
    options: Mapping[str, Any] | None = None,
    narrowed: Mapping[str, Any] | None = None,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> App:
    """Build the app of a workspace.

    Raises:
        ConfigError: a setting is wrong.
    """
    environ = os.environ if environ is None else environ
    return App(root, load(root, environ, options=options, narrowed=narrowed, flags=flags), environ)


def _pace_of(models: "Models", config: Config) -> "CompletionPace":
    from kibitz.server.completion.pace import CompletionPace

    return CompletionPace(config.cache_dir, models.completes_at, context_tokens=models.context_tokens)
