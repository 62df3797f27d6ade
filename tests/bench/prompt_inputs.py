"""What the prompts of the benchmark are made of: real code and documentation, as plain values with priorities.

No renderer is named here: each side builds its own trees of the same values. Needs the standard library only, since a
peer's interpreter reads it too.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

CHAT_TURNS = 30
TYPED = "return [self.resolve(each) for each in sorted(keys) if each]"
"""What is typed on the cursor's line, key by key."""

_INSTRUCTIONS = (
    "You help a programmer in an editor. Answer from what you are shown, name files and lines, and say so when it is "
    "not enough. Show changes as whole functions. Be brief."
)
_BLANK = re.compile(r"\n[^\S\n]*\n+")
_LEAST_BYTES = 1_500  # smaller files are lists of imports and the like


@dataclass(frozen=True, slots=True)
class Part:
    """One text with its priority: a passage found, or a message of the history with its role."""

    text: str
    priority: float
    role: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """All that could stand in one prompt, at one moment. Without a question it is a file alone, a raw text."""

    budget: int
    reserved: int
    file: str = ""
    cursor: int = 0  # 0-based line
    lines_a_level: int = 1
    instructions: str = ""
    question: str = ""
    history: tuple[Part, ...] = ()
    docs: tuple[Part, ...] = ()
    code: tuple[Part, ...] = ()

    def line_priority(self, number: int) -> float:
        """Fall with the distance from the cursor."""
        return 1000.0 - abs(number - self.cursor) // self.lines_a_level

    def characters(self) -> int:
        """Count what could be shown."""
        parts = sum(len(part.text) for part in (*self.history, *self.docs, *self.code))
        return parts + len(self.file) + len(self.instructions) + len(self.question)


def ranked(texts: Sequence[str], best: float, gap: float) -> tuple[Part, ...]:
    """Give passages, best first, priorities that fall by `gap`; a gap of 0 puts all on one level."""
    return tuple(Part(text, best - gap * rank) for rank, text in enumerate(texts))


def conversation(messages: Sequence[tuple[str, str]], newest: float = 990, gap: float = 10) -> tuple[Part, ...]:
    """Give (role, text) messages, oldest first, priorities that fall with age."""
    last = len(messages) - 1
    return tuple(Part(text, newest - gap * (last - number), role) for number, (role, text) in enumerate(messages))


def typed(situation: Situation, keys: int) -> Situation:
    """Type so many characters at the end of the cursor's line."""
    lines = situation.file.splitlines(keepends=True)
    lines[situation.cursor] = lines[situation.cursor].rstrip("\n") + TYPED[:keys] + "\n"
    return replace(situation, file="".join(lines))


def moved(situation: Situation, down: int) -> Situation:
    """Move the cursor down."""
    return replace(situation, cursor=situation.cursor + down)


class _Paragraphs:
    """Hands out a tree's text piece by piece, cut at blank lines, each piece once."""

    def __init__(self, files: Sequence[Path], root: Path) -> None:
        self._rest = ((str(path.relative_to(root)), piece) for path in files for piece in _pieces(path))

    def take(self, characters: float) -> str:
        """Return at least so many characters."""
        return self._take(characters)[1]

    def passage(self, characters: float) -> str:
        """Return at least so many characters, as a search shows them: below the path of their file."""
        return "{}\n{}\n\n".format(*self._take(characters))

    def _take(self, characters: float) -> tuple[str, str]:
        path, text = next(self._rest)
        while len(text) < characters:
            text += "\n\n" + next(self._rest)[1]
        return path, text


def _pieces(path: Path) -> Iterator[str]:
    return (piece for piece in _BLANK.split(path.read_text("utf-8", "replace").strip("\n")) if piece.strip())


class Inputs:
    """The situations of the benchmark, drawn from one checkout, always the same of the same tree."""

    def __init__(self, source: Path) -> None:
        chosen = random.Random(1)
        code, docs = _files(source, {".py"}), _files(source, {".rst", ".md", ".txt"})
        chosen.shuffle(code)
        chosen.shuffle(docs)
        self._lines = list(_line_stream(code[::2], 20_000))
        found, prose = _Paragraphs(code[1::2], source), _Paragraphs(docs, source)
        self._docs = [prose.passage(chosen.uniform(0.4, 1.6) * 770) for _ in range(122)]
        self._code = [found.passage(chosen.uniform(0.4, 1.6) * 960) for _ in range(94)]
        self._talk = [(role, prose.take(size * chosen.uniform(0.4, 1.6))) for role, size in _turns(39, 400, 2_300)]
        self._turns = [(role, prose.take(size)) for role, size in _turns(CHAT_TURNS + 1, 140, 700)]
        alone = Situation(4_000, 500, file="".join(self._lines[:2_000]), cursor=1_000)
        large = Situation(64_000, 500, file="".join(self._lines), cursor=10_000)
        full = self._full()
        self.sequences: dict[str, Callable[[int], Situation]] = {
            "lines": partial(typed, alone),
            "assistant": partial(typed, full),
            "assistant 8,000": partial(typed, replace(full, budget=8_000)),
            "large": partial(typed, large),
            "cursor": partial(moved, full),
            "chat": self._chat,
            "ranked": partial(self._mix, levels=False),
            "levels": partial(self._mix, levels=True),
        }

    def at(self, sequence: str, step: int) -> Situation:
        """Return one situation of a sequence."""
        return self.sequences[sequence](step)

    def digest(self) -> str:
        """Name what is drawn, so that two interpreters can tell whether they drew the same."""
        return sha256(repr([self.at(name, step) for name in self.sequences for step in (0, 1)]).encode()).hexdigest()

    def _full(self) -> Situation:
        return Situation(
            budget=4_000,
            reserved=1_000,
            file="".join(self._lines[:2_631]),
            cursor=1_315,
            instructions=_INSTRUCTIONS,
            question=self._turns[0][1],
            history=conversation(self._talk),
            docs=ranked(self._docs, 980, 8),
            code=ranked(self._code, 985, 9),
        )

    def _chat(self, turn: int) -> Situation:
        """Return the prompt of a turn: the questions and answers before it are history."""
        said = [*self._talk, *self._turns[: 2 * turn]]
        return replace(self._full(), history=conversation(said), question=self._turns[2 * turn][1])

    def _mix(self, number: int, *, levels: bool) -> Situation:
        """Draw a mix of the same material that cannot all be shown.

        What was found has a priority by rank, or, with `levels`, one for a whole kind and lines have one for many.
        """
        drawn = random.Random(number)
        full = self._full()
        while True:
            lines = drawn.choice((0, drawn.randint(50, 3_000)))
            start = drawn.randrange(20_000 - lines)
            budget = round(1_000 * 16 ** drawn.random())
            mixed = replace(
                full,
                budget=budget,
                reserved=round(budget * drawn.uniform(0.05, 0.25)),
                file="".join(self._lines[start : start + lines]),
                cursor=drawn.randrange(max(lines, 1)),
                lines_a_level=drawn.choice((20, 100) if levels else (1, 5)),
                question=drawn.choice([text for role, text in self._turns if role == "user"]),
                history=conversation(_some(drawn, self._talk)),
                docs=ranked(_some(drawn, self._docs), 980, 0 if levels else drawn.choice((3, 8))),
                code=ranked(_some(drawn, self._code), 985, 0 if levels else drawn.choice((4, 9))),
            )
            if mixed.characters() > 6 * budget:
                return mixed


def _some(drawn: random.Random, parts: Sequence[T]) -> Sequence[T]:
    """Leave a kind out, or take some of it from anywhere."""
    count = drawn.choice((0, drawn.randint(1, len(parts)), drawn.randint(1, len(parts))))
    start = drawn.randrange(len(parts) - count + 1)
    return parts[start : start + count]


def _turns(count: int, question: int, answer: int) -> list[tuple[str, int]]:
    return [*chain.from_iterable([("user", question), ("assistant", answer)] for _ in range(count))]


def _files(source: Path, suffixes: set[str]) -> list[Path]:
    """List the files of a kind; a .txt is documentation only below a folder of it."""
    return sorted(
        path
        for path in source.rglob("*")
        if path.suffix in suffixes
        and path.is_file()
        and path.stat().st_size >= _LEAST_BYTES
        and (path.suffix != ".txt" or {"doc", "docs"} & set(path.relative_to(source).parts))
    )


def _line_stream(files: Sequence[Path], count: int) -> Iterator[str]:
    lines = (f"{line}\n" for path in files for line in path.read_text("utf-8", "replace").split("\n"))
    for _, line in zip(range(count), lines, strict=False):
        yield line
