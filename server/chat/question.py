"""What is asked in a chat, and what stands beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kibitz.prompts.templates.context import ContextItem, Rules, Turn
    from kibitz.server.chat.sources import Why

SHORT_WORDS = 6  # "and where is it called?" means nothing without the question before


@dataclass(frozen=True, slots=True)
class Question:
    """A question with all that its prompt is made of, but for what the index finds.

    `query` is what is searched for: None for the text itself, "" for nothing. `attached` is what the user mentioned or
    selected, `history` the earlier turns with the oldest first. `whys` tells why what is attached and the rules are
    there, by their labels.
    """

    text: str
    query: str | None = None
    attached: "Sequence[ContextItem]" = ()
    rules: "Sequence[Rules]" = ()
    history: "Sequence[Turn]" = ()
    whys: "Mapping[str, Why]" = field(default_factory=dict)

    @property
    def wanted(self) -> str:
        """What to search for: a short follow-up is searched together with the question before it."""
        if self.query is not None:
            return self.query
        before = next((turn.text for turn in reversed(self.history) if turn.role == "user"), "")
        return f"{before}\n{self.text}" if before and len(self.text.split()) <= SHORT_WORDS else self.text
