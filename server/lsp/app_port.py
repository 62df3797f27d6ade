"""What the language server needs of the program behind it, and nothing about how that is made."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from kibitz.indexer.answer import Answer
    from kibitz.indexer.explain import FileStatus
    from kibitz.indexer.filters import Filters
    from kibitz.indexer.grep import Query
    from kibitz.indexer.index import Progress, Report
    from kibitz.indexer.lookup import Place
    from kibitz.indexer.plan import Plan
    from kibitz.prompts.render import Rendered
    from kibitz.server.chat.beside import Beside, Composed
    from kibitz.server.chat.question import Question
    from kibitz.server.chat.sessions import Sessions
    from kibitz.server.chat.suggestions import Offered
    from kibitz.server.completion.recent import Recent
    from kibitz.server.completion.snapshot import Snapshot
    from kibitz.server.completion.suggest import Suggestion
    from kibitz.server.config import Config
    from kibitz.server.edit.change import Edit, Target, Targets
    from kibitz.server.llm.ports import Delta


class AppPort(Protocol):
    """One workspace with its index and its models.

    Each call may raise the errors of `kibitz.server.errors.USER_ERRORS`, whose text is one sentence for the user.
    Cancelling a call, or closing an iterator, frees what it holds: the model's connection, the indexing process.
    """

    config: "Config"
    recent: "Recent"

    async def search(
        self, query: str, k: int, within: str = "", filters: "Filters | None" = None, *, rerank: bool = False
    ) -> "Answer":
        """Search the index, or the files as long as there is none; with `rerank` in two stages, if a second is set."""
        ...

    async def grep(self, query: "Query", k: int, within: str = "", filters: "Filters | None" = None) -> "Answer":
        """Find the lines that match a regular expression."""
        ...

    async def symbols(self, begun: str, k: int) -> "Sequence[Place]":
        """Return the first k definitions whose names hold a piece."""
        ...

    def changed(self, paths: Collection[str]) -> None:
        """Take note of files that have changed, or with none, that the workspace is followed from now on."""
        ...

    sessions: "Sessions"

    async def compose(self, text: str, beside: "Beside") -> "Composed":
        """Make a question of what the user wrote, with what it mentions."""
        ...

    async def ask_prompt(self, question: "Question", session: str = "") -> "Rendered":
        """Render the prompt of a question, or of the next one of a chat session."""
        ...

    async def suggestions(self, text: str) -> "Sequence[Offered]":
        """Return what may follow a question's beginning: mentions and slash prompts."""
        ...

    def ask(self, rendered: "Rendered") -> "AsyncIterator[Delta]":
        """Stream the answer to a rendered question."""
        ...

    async def completion_prompt(self, at: "Snapshot") -> "Rendered":
        """Render the prompt of a completion."""
        ...

    async def warm(self, at: "Snapshot") -> None:
        """Get ready for ghost text in a document that was opened."""
        ...

    def prepare(self, at: "Snapshot", due_s: float) -> None:
        """Begin what ghost text for the cursor will need, which may be asked for in `due_s` seconds."""
        ...

    async def suggest(self, at: "Snapshot") -> "Suggestion | None":
        """Return ghost text for the cursor."""
        ...

    async def suggest_several(self, at: "Snapshot", count: int) -> "Sequence[Suggestion]":
        """Return up to so many suggestions that differ, the likeliest first."""
        ...

    def first_token_s(self) -> float | None:
        """Return what ghost text usually takes to begin, in seconds; None: nothing is known."""
        ...

    async def edit_prompt(self, instruction: str, targets: "Targets") -> "Rendered":
        """Render the prompt of an edit."""
        ...

    async def propose(
        self,
        instruction: str,
        targets: "Targets",
        on_delta: "Callable[[str], None] | None" = None,
        on_block: "Callable[[Edit], None] | None" = None,
    ) -> "tuple[Edit, ...]":
        """Return edits that passed their gate, all or none; each change that is finished before is told `on_block`."""
        ...

    def file_to_edit(self, path: str) -> "Target":
        """Return a file of the workspace as it is on disk, if the index admits it; reads the disk."""
        ...

    def sent_prompts(self, last: int) -> Sequence[Mapping[str, Any]]:
        """Return the last prompts that were sent, the latest first, with placeholders where secrets were."""
        ...

    async def index(self, on_progress: "Callable[[Progress], None]", *, rebuild: bool = False) -> "Report":
        """Bring the index up to date, or make it anew."""
        ...

    def plan(self) -> "Plan":
        """Return what a round would look at; reads the disk."""
        ...

    def paths_of(self, *, rule: str = "", language: str = "") -> list[str]:
        """Return the paths that a rule leaves out, or those of a language that are let in; reads the disk."""
        ...

    def file_status(self, file: Path) -> "FileStatus":
        """Return why a file is in the index, or why it is not; reads the disk."""
        ...

    async def see(self, documents: "Mapping[str, str | None]") -> None:
        """Answer searches from these files as they are now: open documents' texts, None for what is on disk."""
        ...

    async def rest(self) -> None:
        """Free what only `see` needs, for nothing has changed for a while."""
        ...

    def status(self) -> dict[str, Any]:
        """Return the state of index and models; may read the disk."""
        ...

    async def close(self) -> None:
        """Free everything."""
        ...


MakeApp = Callable[[Path, Mapping[str, Any], Mapping[str, Any]], AppPort]
"""Of a folder, with the editor's settings, and with those that it has for this folder alone, which may only narrow."""
