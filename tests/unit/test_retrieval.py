import asyncio
import threading

from kibitz.indexer.types import Chunk, Hit, Span
from kibitz.server.retrieval import outside, retriever, to_items


def hit(path: str, start: int, end: int, text: str = "x = 1\n") -> Hit:
    return Hit(Chunk(path, Span(start, end), text), 1.0, ("lexical",))


class SlowSearcher:
    """Answers when it is let go, and remembers what it was asked."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.asked: list[tuple[str, int, int]] = []

    def search(self, query: str, k: int = 10, *, within: str = "", per_file: int = 1) -> list[Hit]:
        self.asked.append((query, k, per_file))
        assert self.go.wait(10)
        return [hit("a.py", 0, 3)]


async def test_the_event_loop_goes_on_while_the_index_is_searched() -> None:
    searcher = SlowSearcher()
    asyncio.get_running_loop().call_soon(searcher.go.set)  # only a loop that still runs gets to this
    hits = await retriever(searcher)("close the session", 5)
    assert [found.chunk.path for found in hits] == ["a.py"]
    assert searcher.asked == [("close the session", 5, 3)]


def test_an_item_is_labelled_with_path_and_lines_from_one() -> None:
    (item,) = to_items([hit("src/a.py", 9, 24)])
    assert (item.label, item.origin, item.path, item.start_line, item.end_line) == (
        "src/a.py:10-24",
        "src/a.py:10-24",
        "src/a.py",
        10,
        24,
    )


def test_lines_that_an_earlier_hit_covers_are_not_said_twice() -> None:
    hits = [hit("a.py", 0, 20), hit("a.py", 5, 9), hit("b.py", 5, 9), hit("a.py", 15, 30), hit("c.py", 0, 1, "\n")]
    assert [item.label for item in to_items(hits)] == ["a.py:1-20", "b.py:6-9", "a.py:16-30"]


def test_hits_that_a_prompt_shows_anyway_are_dropped() -> None:
    hits = [hit("a.py", 0, 5), hit("a.py", 50, 60), hit("b.py", 0, 5)]
    assert outside(hits, "a.py") == [hits[2]]
    assert outside(hits, "a.py", Span(40, 51)) == [hits[0], hits[2]]
