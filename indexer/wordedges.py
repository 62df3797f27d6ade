r"""Whether a line matches an expression with `\b` or `\B` in it, where letters beyond ASCII stand.

RE2 takes only ASCII letters for parts of words there. So the few lines in question are run through an automaton of our
own, all of whose states are followed at once: it takes time in proportion to the line (Thompson, "Regular Expression
Search Algorithm", 1968).
"""

from functools import lru_cache
from typing import Any

from kibitz.indexer.pattern import Chain, Edge, Either, Node, One, Repeat, source

_Step = tuple[str, Any]  # ("one", a test), ("edge", its kind), ("jump", places) or ("end", None)
MOST_STEPS = 20_000


class WordEdges:
    """An expression as steps that are followed side by side."""

    def __init__(self, node: Node) -> None:
        """Compile it.

        Raises:
            OverflowError: it has more than MOST_STEPS steps.
        """
        self._steps: list[_Step] = []
        self._add(node)
        self._steps.append(("end", None))

    def matches(self, line: str) -> bool:
        """Whether some part of a line, which is given without its end, matches."""
        words = [_is_word(char) for char in line]
        now: set[int] = set()
        for at in range(len(line) + 1):
            before, after = at > 0 and words[at - 1], at < len(line) and words[at]
            holds = {"^": at == 0, "$": at == len(line), "b": before != after, "B": before == after}
            open_ = self._followed({0, *now}, holds)
            if open_ is None:
                return True
            if at < len(line):
                now = {step + 1 for step in open_ if self._steps[step][1](line[at])}
        return False

    def _followed(self, begun: set[int], holds: dict[str, bool]) -> set[int] | None:
        """The steps that wait for a character, from those that were reached; None when the end was reached."""
        seen: set[int] = set()
        waiting = list(begun)
        found: set[int] = set()
        while waiting:
            step = waiting.pop()
            if step in seen:
                continue
            seen.add(step)
            kind, value = self._steps[step]
            if kind == "end":
                return None
            if kind == "one":
                found.add(step)
            elif kind == "jump":
                waiting += value
            elif holds[value]:
                waiting.append(step + 1)
        return found

    def _add(self, node: Node) -> None:
        if len(self._steps) > MOST_STEPS:
            raise OverflowError("the expression is too large")
        match node:
            case One():
                self._steps.append(("one", _test(source(node, wide=True))))
            case Edge():
                self._steps.append(("edge", node.kind))
            case Chain():
                for part in node.parts:
                    self._add(part)
            case Either():
                self._add_either(node)
            case Repeat():
                for _ in range(node.least):
                    self._add(node.part)
                if node.most is None:
                    self._add_loop(node.part)
                for _ in range((node.most or node.least) - node.least):
                    skip = self._jump()
                    self._add(node.part)
                    self._steps[skip] = ("jump", (skip + 1, len(self._steps)))

    def _add_either(self, node: Either) -> None:
        ends: list[int] = []
        for part in node.parts:
            branch = self._jump()
            self._add(part)
            ends.append(self._jump())
            self._steps[branch] = ("jump", (branch + 1, len(self._steps)))
        # The last branch leads nowhere else.
        branch = self._jump()
        for end in ends:
            self._steps[end] = ("jump", (branch + 1,))
        self._steps[branch] = ("jump", ())

    def _add_loop(self, part: Node) -> None:
        start = self._jump()
        self._add(part)
        self._steps.append(("jump", (start,)))
        self._steps[start] = ("jump", (start + 1, len(self._steps)))

    def _jump(self) -> int:
        """A step whose places are filled in later."""
        self._steps.append(("jump", ()))
        return len(self._steps) - 1


@lru_cache(maxsize=64)
def _test(of: str) -> Any:
    import re2

    compiled = re2.compile(of)

    @lru_cache(maxsize=4096)
    def test(char: str) -> bool:
        return compiled.fullmatch(char.encode("utf-8", "replace")) is not None

    return test


@lru_cache(maxsize=1 << 14)
def _is_word(char: str) -> bool:
    return bool(_word()(char))


@lru_cache(maxsize=1)
def _word() -> Any:
    from kibitz.indexer.charclass import WORD

    return _test(f"[{WORD.wide}]")
