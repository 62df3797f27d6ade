"""A cursor in a word: the prompt ends before the word, and the answer has to begin with it.

Models read tokens. A prompt that ends in "retu" ends in a token that hardly ever stands before "rn", so what follows is
a guess; cut back to where the word began it ends as texts do, and the word is said anew, whole.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

from kibitz.server.chat.stream import closing
from kibitz.server.completion.code import PROSE
from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.llm.ports import Completer, Delta

_LAST_WORD = re.compile(r" ?[^\W\d]\w*\Z")  # with the blank that tokenizers join with it


@dataclass(frozen=True, slots=True)
class Cut:
    """A snapshot that ends before the word at its cursor, and that word with the blank before it, if there is one."""

    at: Snapshot
    word: str


def cut_back(at: Snapshot) -> Cut | None:
    """Cut a snapshot back to before the word that its cursor is at the end of; None: no word, or prose.

    In prose too many words may come instead.
    """
    found = _LAST_WORD.search(at.prefix[-200:])
    after = at.suffix[:1]
    if found is None or at.language in PROSE or after == "_" or after.isalnum():
        return None
    word = found[0]
    return Cut(replace(at, prefix=at.prefix[: len(at.prefix) - len(word)]), word)


class Healed:
    """A completer whose answer is passed on without the word that it has to begin with.

    Nothing is passed on before the answer has said the word. One that says another has its stream closed, and
    `disagreed` tells.
    """

    def __init__(self, model: Completer, word: str) -> None:
        self._model = model
        self._word = word.lstrip(" ")
        self.disagreed = False

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    async def complete(self, prompt: str, **options: Any) -> AsyncIterator[Delta]:
        """Stream the continuation behind the word; see `Completer.complete`."""
        held, agreed = "", False
        async with closing(self._model.complete(prompt, **options)) as stream:
            async for delta in stream:
                if agreed:
                    yield delta
                    continue
                held += delta.text
                said = held.lstrip(" ")
                if said.startswith(self._word):
                    agreed = True
                    yield Delta(said[len(self._word) :], delta.finish_reason)
                elif not self._word.startswith(said):
                    break
        self.disagreed = not agreed
