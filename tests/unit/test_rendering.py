"""Rendering off the event loop: what is remembered, and for whom."""

import asyncio
import threading
from collections.abc import Sequence
from functools import partial

import pytest

from kibitz.prompts.chat_template import CHATML, OPENAI
from kibitz.prompts.errors import BudgetError
from kibitz.prompts.nodes import Node, fragment, scope, user
from kibitz.prompts.tokens import TiktokenTokenizer
from kibitz.server.rendering import Counting, Memories, Memory, rendered_off_the_loop

O200K = TiktokenTokenizer("o200k_base")


class Watched(TiktokenTokenizer):
    """Counts how many threads encode at once."""

    def __init__(self) -> None:
        super().__init__("o200k_base")
        self._inside = 0
        self.most = 0
        self._turn = threading.Event()

    def encode(self, text: str) -> list[int]:
        self._inside += 1
        self.most = max(self.most, self._inside)
        self._turn.wait(0.002)  # lets another thread in, if one may
        ids = super().encode(text)
        self._inside -= 1
        return ids


def document(words: Sequence[str]) -> Node:
    return fragment(scope(f"{word}\n", p=-number) for number, word in enumerate(words))


def test_memories_are_bounded_and_the_one_least_used_goes() -> None:
    memories = Memories(most=2)
    first, second = memories.of("a"), memories.of("b")
    assert memories.of("a") is first
    memories.of("c")
    assert memories.of("a") is first
    assert memories.of("b") is not second


async def test_a_memory_gives_what_a_fresh_rendering_gives() -> None:
    memory = Memory()
    for words in (["a", "b"], ["a", "b", "c"], ["x"]):
        fresh = await rendered_off_the_loop(partial(document, words), budget_tokens=5, counting=Counting(O200K))
        again = await rendered_off_the_loop(
            partial(document, words), budget_tokens=5, counting=Counting(O200K), memory=memory
        )
        assert again == fresh


async def test_a_memory_serves_one_thread_at_a_time() -> None:
    tokenizer, memory = Watched(), Memory()
    rendered = await asyncio.gather(
        *(
            rendered_off_the_loop(
                partial(document, [f"word{n}", f"other{n}"]),
                budget_tokens=50,
                counting=Counting(tokenizer),
                memory=memory,
            )
            for n in range(6)
        )
    )
    assert [each.text for each in rendered] == [f"word{n}\nother{n}\n" for n in range(6)]
    assert tokenizer.most == 1


def test_a_memory_starts_anew_with_another_tokenizer_and_after_an_error() -> None:
    memory = Memory()
    tree = document(["one", "two"])
    assert memory.render(tree, budget_tokens=50, tokenizer=O200K).tokenizer == "o200k_base"
    asked = user("one")
    assert memory.render(asked, budget_tokens=50, tokenizer=O200K, template=OPENAI).tokens == 8
    assert memory.render(asked, budget_tokens=50, tokenizer=O200K, template=CHATML).tokens == 9
    other = TiktokenTokenizer("cl100k_base")
    assert memory.render(tree, budget_tokens=50, tokenizer=other).tokenizer == "cl100k_base"
    with pytest.raises(BudgetError):
        memory.render(fragment("always shown " * 50), budget_tokens=5, tokenizer=other)
    assert memory.render(tree, budget_tokens=50, tokenizer=other).text == "one\ntwo\n"
