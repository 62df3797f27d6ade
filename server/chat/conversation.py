"""What the prompts of one conversation have in common: each begins like the one before, for a server's prefix cache."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kibitz.server.rendering import Memory

if TYPE_CHECKING:
    from kibitz.prompts.templates.context import ContextItem

MOST_CONVERSATIONS = 8
MOST_SHOWN = 200  # excerpts that keep their place: more than any budget shows


@dataclass(slots=True)
class Conversation:
    """The renderer of a conversation, and what its last prompt was given."""

    memory: Memory = field(default_factory=lambda: Memory(steady=True))
    shown: "tuple[ContextItem, ...]" = ()


class Conversations:
    """The conversations that were spoken in last, by the ids of their sessions. For one thread, the event loop's."""

    def __init__(self) -> None:
        self._by_id: OrderedDict[str, Conversation] = OrderedDict()

    def of(self, session: str) -> Conversation:
        """Return a session's conversation; of too many, the one that rested longest is forgotten."""
        conversation = self._by_id.pop(session, None) or Conversation()
        self._by_id[session] = conversation
        if len(self._by_id) > MOST_CONVERSATIONS:
            self._by_id.popitem(last=False)
        return conversation
