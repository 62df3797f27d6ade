"""What Kibitz asks of a model: the ports, and what passes through them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from kibitz.indexer.rank import Scores

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a chat prompt."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a streamed answer; the last one carries why the model stopped ("stop", "length", ...)."""

    text: str = ""
    finish_reason: str | None = None


class ChatModel(Protocol):
    """A model that answers messages."""

    @property
    def name(self) -> str:
        """The model's name, as messages and the status show it."""
        ...

    def chat(
        self,
        messages: Sequence[ChatMessage],
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        temperature: float = 0.0,
        frequency_penalty: float = 0.0,
    ) -> AsyncIterator[Delta]:
        """Stream the answer. Closing the iterator frees the connection.

        `frequency_penalty` makes what was said less likely to be said again, as OpenAI defines it; 0 leaves it out.

        Raises:
            ModelError: the model could not answer; the message is one sentence that says what to do.
        """
        ...


class Completer(Protocol):
    """A model that continues a raw prompt (fill-in-the-middle prompts are rendered before they get here)."""

    @property
    def name(self) -> str:
        """The model's name, as messages and the status show it."""
        ...

    def complete(
        self, prompt: str, *, max_tokens: int, stop: Sequence[str] = (), temperature: float = 0.0
    ) -> AsyncIterator[Delta]:
        """Stream the continuation. Closing the iterator frees the connection.

        Raises:
            ModelError: the model could not answer; the message is one sentence that says what to do.
        """
        ...


class Reranker(Protocol):
    """The second stage of search: scores texts that the first stage found."""

    @property
    def name(self) -> str:
        """The model's name, as answers show it."""
        ...

    async def open(self) -> None:
        """Load what a first answer needs; nothing at the second call.

        Raises:
            ModelError: it cannot be loaded.
        """
        ...

    async def rerank(self, question: str, texts: Sequence[str]) -> "Scores":
        """Score texts by how well they answer a question: (n,) strings to (n,) finite scores, higher is better.

        The scores of one call compare with each other and with nothing else. Cancelling this frees what it holds.

        Raises:
            ModelError: there are no scores; the message is one sentence that says what to do.
        """
        ...

    async def close(self) -> None:
        """Free everything."""
        ...
