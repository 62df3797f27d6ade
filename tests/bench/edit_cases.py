"""Made-up answers of models for real functions: each with the text that was meant, or with none where it is not clear.

A case takes a function of a real file, changes some of its lines, and says that change in one of the forms and with
one of the faults that models and users have. What was meant is made from the lines, never by the code under test.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from kibitz.indexer.types import Span
from kibitz.server.edit.change import Target
from tests.bench import edit_answers as say
from tests.bench.edit_answers import Change, Said
from tests.bench.edit_functions import Function, Rng, changes, made, parsed, standing

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class Case:
    """An answer about a target, the document when it is applied, and what shall come of it.

    `intended` is None where nothing may be applied. `clear` is False where refusing is right, too.
    """

    kind: str
    target: Target
    answer: str
    intended: str | None
    clear: bool = True
    now: str | None = None
    finished: str | None = None  # the text with the blocks alone that came before the answer was cut


def whole(function: Function, lines: Sequence[str] | None = None) -> Target:
    """Make the function's file the target."""
    lines = function.lines if lines is None else lines
    return Target(function.path, "".join(lines), Span(0, len(lines)), "python")


def _said(rng: Rng, function: Function, count: int = 1, least: int = 0) -> tuple[list[Change], list[Said]] | None:
    chosen = changes(rng, function, count)
    if chosen is None:
        return None
    return chosen, [say.said(rng, function.lines, change, least) for change in chosen]


# -- the classes --------------------------------------------------------------------------------------------------


def exact(rng: Rng, function: Function) -> Case | None:
    """One to three places, in either form, with whatever models put around blocks."""
    made_up = _said(rng, function, rng.choice([1, 1, 2, 3]))
    if made_up is None:
        return None
    chosen, said = made_up
    form = rng.choice([say.blocks, say.blocks, say.diff])
    unique = all(standing(one.search, function.lines, edges=True) == 1 for one in said)
    intended = made(function.lines, chosen) if unique else None
    clear = len({(one.start, one.end) for one in chosen}) == len(chosen)  # not two insertions at one place
    return Case("as it stands", whole(function), form(rng, said, function.path), intended, clear)


def selected(rng: Rng, function: Function) -> Case | None:
    """The selected function written anew, in its place or at another indentation."""
    chosen = changes(rng, function)
    if chosen is None:
        return None
    new = _inside(function, chosen)
    if not new[-1].strip():
        return None
    target = Target(function.path, "".join(function.lines), Span(function.start, function.end), "python")
    if rng.random() < 0.4 and all('"""' not in line for line in new):
        new = say.dedented(new)
    return Case("function written anew, selected", target, say.fenced(rng, new), made(function.lines, chosen))


def named(rng: Rng, function: Function) -> Case | None:
    """A function written anew as the answer for a whole file: it is found by its name."""
    chosen = changes(rng, function)
    if chosen is None:
        return None
    new = _inside(function, chosen)
    if not new[-1].strip():
        return None
    with_top = rng.random() < 0.5
    new = [*(function.lines[function.top : function.start] if with_top else ()), *new]
    others = sum(bool(re.match(rf"\s*(?:async )?(?:def|class) {function.name}\b", line)) for line in function.lines)
    if others > 1:
        return Case("function written anew, by name", whole(function), say.fenced(rng, new), None)
    clear = with_top or function.top == function.start
    intended = made(function.lines, chosen) if clear else None
    return Case("function written anew, by name", whole(function), say.fenced(rng, new), intended)


def moved(rng: Rng, function: Function) -> Case | None:
    """Blocks at another indentation than the document's."""
    made_up = _said(rng, function, 1)
    if made_up is None:
        return None
    chosen, (one,) = made_up
    said = rng.choice([say.less, say.more, say.tabs])(rng, one)
    if said is None:
        return None
    form = rng.choice([say.blocks, say.diff])
    unique = standing(one.search, function.lines, str.strip) == 1
    answer = form(rng, [said], function.path)
    return Case("another indentation", whole(function), answer, made(function.lines, chosen), unique)


def drifted(rng: Rng, function: Function) -> Case | None:
    """Some of the lines around the change are not as the block says."""
    chosen = changes(rng, function)
    said = None if chosen is None else say.drifted(rng, function.lines, chosen[0])
    if chosen is None or said is None:
        return None
    core = function.lines[
        chosen[0].start - (chosen[0].start == chosen[0].end) : max(chosen[0].end, chosen[0].start + 1)
    ]
    unique = standing(core, function.lines, str.strip) == 1
    form = rng.choice([say.blocks, say.diff])
    answer = form(rng, [said], function.path)
    return Case("drifted context", whole(function), answer, made(function.lines, chosen), unique)


def twins(rng: Rng, function: Function) -> Case | None:
    """The function's body stands twice: a block that fits both is refused, unless one of them is selected."""
    made_up = _said(rng, function, 1)
    if made_up is None:
        return None
    chosen, (one,) = made_up
    lines = _with_twin(function)
    if one.start <= function.start or one.end > function.end:
        return None
    answer = rng.choice([say.blocks, say.diff])(rng, [one], function.path)
    if rng.random() < 0.5:
        return Case("duplicates", whole(function, lines), answer, None)
    target = Target(function.path, "".join(lines), Span(function.start, function.end), "python")
    unique = standing(one.search, function.lines[function.start : function.end], edges=True) == 1
    return Case("duplicates, one selected", target, answer, made(lines, chosen) if unique else None)


def near_twins(rng: Rng, function: Function) -> Case | None:
    """The function stands twice with one line changed, and the block's context has drifted."""
    chosen = changes(rng, function)
    said = None if chosen is None else say.drifted(rng, function.lines, chosen[0])
    if chosen is None or said is None or said.start <= function.start or said.end > function.end:
        return None
    lines, first = _with_twin(function), len(function.lines)
    if rng.random() < 0.5:  # right behind the function
        twin = lines[-(function.end - function.start) :]
        lines, first = [*function.lines[: function.end], *twin, *function.lines[function.end :]], function.end
    at = first + rng.randrange(1, function.end - function.start)
    lines[at] = lines[at].replace("\n", "  # the twin\n")
    answer = rng.choice([say.blocks, say.diff])(rng, [said], function.path)
    return Case("near duplicates, drifted context", whole(function, lines), answer, made(lines, chosen), clear=False)


def misremembered(rng: Rng, function: Function) -> Case | None:
    """A line that the block changes is not as it says; with another block that is right, nothing may be applied."""
    count = rng.choice([1, 2])
    made_up = _said(rng, function, count)
    if made_up is None:
        return None
    chosen, said = made_up
    number = rng.randrange(count)
    wrong = say.misremembered(rng, function.lines, chosen[number], said[number])
    if wrong is None or standing(wrong.search, function.lines, str.strip):
        return None
    said[number] = wrong
    answer = rng.choice([say.blocks, say.diff])(rng, said, function.path)
    return Case("changed lines misremembered", whole(function), answer, None)


def stale(rng: Rng, function: Function) -> Case | None:
    """The document is edited elsewhere, at one or two places, or at the very lines, while the model answers."""
    chosen = changes(rng, function, rng.choice([1, 2]))
    if chosen is None:
        return None
    said = [say.said(rng, function.lines, change, 0) for change in chosen]
    if any(standing(one.search, function.lines, str.rstrip) != 1 for one in said):
        return None
    if len({change.start for change in chosen}) < len(chosen):
        return None
    count = len(function.lines)
    places = sorted(rng.sample(range(count), min(count, rng.choice([1, 2, 3]))))
    touch = rng.random() < 0.3
    edited = [change for change in chosen if change.start < change.end]
    if touch and edited:
        places = [edited[0].start]
    distance = min(max(change.start - at, at - change.end + 1) for at in places for change in chosen)
    if not (touch and edited) and distance <= 1:
        return None
    typed = [Change(at, at + 1, (function.lines[at], "# typed meanwhile\n")) for at in places]
    if touch and edited:
        typed = [Change(at, at + 1, (function.lines[at].replace("\n", "  # typed\n"),)) for at in places]
        intended = None
    else:
        intended = _both(function.lines, chosen, typed)
    answer = rng.choice([say.blocks, say.diff])(rng, said, function.path)
    clear = distance > 3  # nearer than that, what was typed may belong to the same matter
    return Case("stale version", whole(function), answer, intended, clear, made(function.lines, typed))


def cut(rng: Rng, function: Function) -> Case | None:
    """The stream breaks off anywhere: what was finished is offered, the rest is not."""
    chosen = changes(rng, function, rng.choice([1, 2, 3]))
    if chosen is None:
        return None
    said = [say.said(rng, function.lines, change, 1) for change in chosen]
    if any(standing(one.search, function.lines, str.rstrip) != 1 for one in said):
        return None
    pieces = rng.choice([say.block_pieces, say.diff_pieces])(rng, said, function.path)
    text = "".join(piece for piece, _ in pieces)
    at = rng.randrange(len(text))
    at += text[at] == "\n"  # a line is there when its end is
    done, length = 0, 0
    for piece, number in pieces:
        length += len(piece)
        if length <= at:
            done = number
    finished = made(function.lines, chosen[:done]) if done else None
    parses = finished is None or parsed(finished) is not None
    return Case("cut off", whole(function), text[:at], finished, False, finished=finished if parses else None)


def whole_file(rng: Rng, function: Function) -> Case | None:
    """The file written anew; or a piece of it, or with code left out: then nothing may be applied."""
    chosen = changes(rng, function)
    if chosen is None or any("```" in line for line in function.lines):
        return None
    new = made(function.lines, chosen)
    if new.endswith("\n\n"):  # blank lines at an answer's end say nothing
        return None
    what = rng.choice(["all", "all", "piece", "left out"])
    if what == "all":
        return Case("whole file", whole(function), say.fenced(rng, new.splitlines(keepends=True)), new)
    if len(function.lines) < 2 * (function.end - function.start) + 20:
        return None
    rows = new.splitlines(keepends=True)
    grown = len(rows) - len(function.lines)
    if what == "piece":
        rows = rows[: function.end + grown] if rng.random() < 0.5 else rows[function.top :]
        alone = function.end == len(function.lines) or not "".join(function.lines[: function.top]).strip()
        if alone or len(rows) > len(function.lines) - 6:
            return None  # one function, which is found by its name
    else:
        rows = [*rows[: function.top], "# ... existing code ...\n", *rows[function.end + grown :]]
    return Case("whole file, with parts missing", whole(function), say.fenced(rng, rows), None)


def line_ends(rng: Rng, function: Function) -> Case | None:
    """Windows line ends, mixed ones, no end at the end of the file; blanks at the ends of lines."""
    made_up = _said(rng, function, 1)
    if made_up is None:
        return None
    chosen, (one,) = made_up
    if standing(one.search, function.lines, str.rstrip) != 1:
        return None
    what = rng.choice(["crlf", "mixed", "blanks", "no end"])
    lines, end = list(function.lines), "\n"
    if what == "crlf":
        lines, end = [line[:-1] + "\r\n" for line in lines], "\r\n"
    elif what == "mixed":
        lines, end = [line[:-1] + ("\n" if rng.random() < 0.2 else "\r\n") for line in lines], "\r\n"
    elif what == "blanks":
        kept = [not chosen[0].start <= number < chosen[0].end for number in range(len(lines))]
        lines = [
            line[:-1] + "  \n" if keep and rng.random() < 0.5 else line for keep, line in zip(kept, lines, strict=True)
        ]
    elif what == "no end":
        lines[-1] = lines[-1][:-1]
        if chosen[0].end == len(lines):
            return None
    if sum(line.endswith("\r\n") for line in lines) * 2 <= len(lines):
        end = "\n"
    new = [Change(change.start, change.end, tuple(line[:-1] + end for line in change.new)) for change in chosen]
    answer = rng.choice([say.blocks, say.diff])(rng, [one], function.path)
    return Case("line ends and trailing blanks", whole(function, lines), answer, made(lines, new))


def numbered(rng: Rng, function: Function) -> Case | None:
    """Line numbers copied into blocks, or context lines of a diff without the blank before them."""
    made_up = _said(rng, function, 1)
    if made_up is None:
        return None
    chosen, (one,) = made_up
    unique = standing(one.search, function.lines, str.strip) == 1
    if rng.random() < 0.5:
        answer = say.blocks(rng, [say.numbered(rng, one)], function.path)
    else:
        answer = say.diff(rng, [one], function.path, forgetful=True)
    return Case("line numbers, forgotten blanks", whole(function), answer, made(function.lines, chosen), unique)


KINDS: tuple[Callable[[Rng, Function], Case | None], ...] = (
    exact,
    selected,
    named,
    moved,
    drifted,
    twins,
    near_twins,
    misremembered,
    stale,
    cut,
    whole_file,
    line_ends,
    numbered,
)


def cases(functions: Sequence[Function], count: int, seed: int) -> Iterator[Case]:
    """Make so many cases of each class, the same for the same seed."""
    return drawn(KINDS, lambda rng: rng.choice(functions), count, seed)


def drawn(
    kinds: Sequence[Callable[[Rng, In], Out | None]], take: Callable[[Rng], In], count: int, seed: int
) -> Iterator[Out]:
    """Make so many of each kind from what is taken each time; a kind may find nothing in it."""
    for kind in kinds:
        rng = Rng(f"{seed} {kind.__name__}")
        left = count
        while left:
            case = kind(rng, take(rng))
            if case is not None:
                left -= 1
                yield case


def _inside(function: Function, chosen: Sequence[Change]) -> list[str]:
    shifted = [Change(one.start - function.start, one.end - function.start, one.new) for one in chosen]
    return made(function.lines[function.start : function.end], shifted).splitlines(keepends=True)


def _with_twin(function: Function) -> list[str]:
    """Put the function a second time at the end of the file, under another name."""
    first, *body = function.lines[function.start : function.end]
    indent = first[: len(first) - len(first.lstrip())]
    twin = first.replace(f"def {function.name}", f"def {function.name}_twin")
    return [*function.lines, *_opening(indent), twin, *body]


def _opening(indent: str) -> list[str]:
    """Open as many levels as an indented function needs."""
    levels = [indent[:depth] for depth in range(0, len(indent), 4)]
    return ["\n", *(f"{level}if True:\n" for level in levels)]


def _both(lines: Sequence[str], chosen: Sequence[Change], typed: Sequence[Change]) -> str:
    """Make the model's changes and what was typed below other lines."""
    below = {change.start: change.new[1] for change in typed}
    pieces: list[str] = []
    starts = {change.start: change for change in chosen}
    at = 0
    while at <= len(lines):
        change = starts.get(at)
        if change is not None:
            pieces += change.new
            if change.end > at:
                at = change.end
                continue
        if at < len(lines):
            pieces.append(lines[at])
            if at in below:
                pieces.append(below[at])
        at += 1
    return "".join(pieces)
