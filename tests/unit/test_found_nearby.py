"""What was found a key ago serves while it is looked for anew."""

import asyncio
from collections.abc import Sequence

import pytest

from kibitz.indexer.types import Chunk, Hit, Span
from kibitz.server.completion import nearby
from kibitz.server.completion.nearby import FRESH_S, LINES, Nearby
from tests.fakes.cursor import at_cursor


class Index:
    """Finds one chunk that is called as the query, and counts."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def search(self, query: str, k: int) -> Sequence[Hit]:
        self.asked.append(query)
        return [Hit(Chunk("b.py", Span(0, 1), query, "function", "python", query), 1.0, ("lexical",))]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearby, "LOOK_AFTER_S", 0)


async def found(near: Nearby, drawn: str, query: str, path: str = "a.py") -> str:
    return (await near.at(at_cursor(drawn, path=path))(query, 1))[0].chunk.text


async def test_the_next_key_has_the_hits_of_the_one_before_and_the_one_after_it_new_ones() -> None:
    index = Index()
    near = Nearby(index.search)
    assert await found(near, "x = ║", "first") == "first"
    assert await found(near, "x = f║", "second") == "first"
    await asyncio.sleep(0.01)
    assert await found(near, "x = fo║", "third") == "second"
    near.close()
    assert index.asked == ["first", "second"]


@pytest.mark.parametrize(("drawn", "path"), [("\n" * (LINES + 1) + "║", "a.py"), ("║", "c.py")])
async def test_another_place_is_searched_for(drawn: str, path: str) -> None:
    near = Nearby(Index().search)
    await found(near, "║", "first")
    assert await found(near, drawn, "second", path) == "second"


async def test_old_hits_do_not_serve() -> None:
    now = [0.0]
    near = Nearby(Index().search, clock=lambda: now[0])
    await found(near, "║", "first")
    now[0] = FRESH_S + 1
    assert await found(near, "x║", "second") == "second"
