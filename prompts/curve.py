"""The budget curve: how large a prompt is at every cutoff, in one pass."""

from bisect import bisect_left

from kibitz.prompts.solve import Search


def sizes(search: Search) -> tuple[tuple[float, int], ...]:
    """Walk down all levels of a search that stands at the top; return (cutoff, tokens + reserved) where it is possible.

    A budget shows what is at or above the lowest cutoff whose size it holds. Every text is encoded once.
    """
    layout, tally = search.layout, search.tally
    found: list[tuple[float, int]] = []
    for at in range(bisect_left(layout.levels, -search.level), len(layout.levels)):
        level = -layout.levels[at]
        if level < search.level:
            tally.drop(layout.goes.get(level, ()))
            tally.add(layout.comes.get(level, ()))
        if not tally.impossible:
            found.append((level, tally.size()))
    return tuple(found)
