"""What a cursor is inside of, told by indentation alone: in every language, at the price of looking at some lines."""

from collections.abc import Sequence

MOST = 4  # heads, the innermost ones
_PUNCTUATION = frozenset("{}()[];,")


def heads(above: Sequence[str], indent: int) -> list[int]:
    """Return which lines begin what a line of an indentation is in, ascending.

    Of a brace on a line of its own the line above it is meant.
    """
    found: list[int] = []
    for at in range(len(above) - 1, -1, -1):
        line = above[at]
        stripped = line.lstrip()
        here = len(line) - len(stripped)
        if not stripped or here >= indent or set(stripped.rstrip()) <= _PUNCTUATION:
            continue
        found.append(at)
        indent = here
        if indent == 0 or len(found) == MOST:
            break
    return found[::-1]
