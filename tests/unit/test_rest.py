"""Memory is given back once after each stretch of work."""

import asyncio

from kibitz.server.lsp.rest import Rest, give_memory_back


async def test_it_is_given_back_once_after_the_last_of_several() -> None:
    given: list[None] = []
    rest = Rest(lambda: given.append(None), after_s=0.01)
    for _ in range(5):
        rest.disturbed()
    await asyncio.sleep(0.1)
    assert len(given) == 1
    rest.disturbed()
    await asyncio.sleep(0.1)
    assert len(given) == 2


async def test_after_the_end_nothing_is_given_back() -> None:
    given: list[None] = []
    rest = Rest(lambda: given.append(None), after_s=0.01)
    rest.close()
    rest.disturbed()
    rest.close()
    await asyncio.sleep(0.1)
    assert given == []


def test_any_system_can_be_asked() -> None:
    give_memory_back()
