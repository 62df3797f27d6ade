"""Models that go round in circles."""

from kibitz.server.completion.snapshot import Snapshot

MAX_PERIOD_LINES = 6
TIMES = 3  # twice may be meant
MIN_UNIT_CHARS, MAX_UNIT_CHARS = 4, 60
UNIT_TIMES = 4


def drop_repetition(text: str, at: Snapshot) -> str:
    """Keep one of lines, or of a piece of one line, that the text says again and again."""
    lines = text.split("\n")
    indent = at.prefix[at.prefix.rfind("\n") + 1 :]
    kept = _first_loop([indent + lines[0], *lines[1:]] if not indent.strip() else lines)
    if kept < len(lines):
        return "\n".join(lines[:kept])
    return text[: len(text) - len(lines[-1])] + _unlooped(lines[-1])


def _first_loop(lines: list[str]) -> int:
    """Return how many lines to keep: all, or up to the end of the first turn of a loop."""
    for start in range(len(lines)):
        for period in range(1, MAX_PERIOD_LINES + 1):
            unit = lines[start : start + period]
            if start + TIMES * period > len(lines) or not any(mark.isalnum() for line in unit for mark in line):
                continue
            if all(lines[start + turn * period : start + (turn + 1) * period] == unit for turn in range(1, TIMES)):
                return start + period
    return len(lines)


def _unlooped(line: str) -> str:
    """Cut a line that ends in a loop after the loop's first turn."""
    for size in range(MIN_UNIT_CHARS, min(MAX_UNIT_CHARS, len(line) // UNIT_TIMES) + 1):
        unit = line[len(line) - size :]
        if not any(mark.isalnum() for mark in unit) or not line.endswith(unit * UNIT_TIMES):
            continue
        end = len(line)
        while line.endswith(unit, 0, end - size):
            end -= size
        return line[:end]
    return line
