"""Made-up answers of models for several files at once: each with the texts that were meant, or with none."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from kibitz.server.edit.change import Targets
from tests.bench import edit_answers as say
from tests.bench.edit_cases import drawn, whole
from tests.bench.edit_functions import Function, Rng, changes, made, standing

NEW = "helpers/made_up.py"
NEW_TEXT = "VALUE = 1\n"


@dataclass(frozen=True, slots=True)
class Several:
    """An answer about several files, and the texts of those that shall change, by their paths; None: nothing may."""

    kind: str
    targets: Targets
    answer: str
    intended: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class _Part:
    """A change of one file: how it is said, and what comes of it; `unique`: its lines stand once there."""

    function: Function
    said: list[say.Said]
    text: str
    unique: bool

    def blocks(self, path: str) -> str:
        """Say it as SEARCH/REPLACE blocks under a path, or under none."""
        head = f"{path}\n" if path else ""
        return "\n".join(
            f"{head}<<<<<<< SEARCH\n{''.join(one.search)}=======\n{''.join(one.replace)}>>>>>>> REPLACE\n"
            for one in self.said
        )


def _part(rng: Rng, function: Function) -> _Part | None:
    chosen = changes(rng, function)
    if chosen is None:
        return None
    said = [say.said(rng, function.lines, change, 1) for change in chosen]
    unique = all(standing(one.search, function.lines, edges=True) == 1 for one in said)
    return _Part(function, said, made(function.lines, chosen), unique)


def _parts(rng: Rng, functions: Sequence[Function], count: int) -> list[_Part] | None:
    """Changes of so many different files."""
    by_path = {one.path: one for one in rng.sample(functions, min(len(functions), 8 * count))}
    chosen = [_part(rng, one) for one in list(by_path.values())[:count]]
    parts = [one for one in chosen if one is not None]
    return parts if len(parts) == count else None


def _targets(parts: Sequence[_Part], **more: bool) -> Targets:
    first, *others = (whole(one.function) for one in parts)
    return Targets(first, tuple(others), **more)


def _all(parts: Sequence[_Part]) -> dict[str, str] | None:
    return {one.function.path: one.text for one in parts} if all(one.unique for one in parts) else None


def blocks(rng: Rng, functions: Sequence[Function]) -> Several | None:
    """Two or three files, blocks under their paths, in any order."""
    parts = _parts(rng, functions, rng.choice([2, 2, 3]))
    if parts is None:
        return None
    said = rng.sample(parts, len(parts))
    answer = "\n".join(one.blocks(_named(rng, one.function.path)) for one in said)
    return Several("blocks under paths", _targets(parts), answer, _all(parts))


def _named(rng: Rng, path: str) -> str:
    return rng.choice([path, path, f"./{path}", f"a/{path}", f"b/{path}", path.replace("/", "\\")])


def diffs(rng: Rng, functions: Sequence[Function]) -> Several | None:
    """One unified diff over two files."""
    parts = _parts(rng, functions, 2)
    if parts is None:
        return None
    answer = "\n".join(say.diff(rng, one.said, one.function.path) for one in parts)
    return Several("one diff over files", _targets(parts), answer, _all(parts))


def one_absent(rng: Rng, functions: Sequence[Function]) -> Several | None:
    """One of two files is misremembered: neither may change."""
    parts = _parts(rng, functions, 2)
    if parts is None:
        return None
    answer = parts[0].blocks(parts[0].function.path) + parts[1].blocks(parts[0].function.path)
    clear = standing(parts[1].said[0].search, parts[0].function.lines, str.strip) == 0
    return Several("one block in no file", _targets(parts), answer, None) if clear else None


def outside(rng: Rng, functions: Sequence[Function]) -> Several | None:
    """A block for a file that is not among those of the request."""
    parts = _parts(rng, functions, 3)
    if parts is None:
        return None
    answer = "\n".join(one.blocks(one.function.path) for one in parts)
    return Several("a file outside of the request", _targets(parts[:2]), answer, None)


def unnamed(rng: Rng, functions: Sequence[Function]) -> Several | None:
    """Blocks without paths: each belongs to the only file that has its lines."""
    parts = _parts(rng, functions, 2)
    if parts is None:
        return None
    one, two = parts
    apart = standing(one.said[0].search, two.function.lines, str.strip) == 0
    apart &= standing(two.said[0].search, one.function.lines, str.strip) == 0
    answer = "\n".join(each.blocks("") for each in parts)
    return Several("blocks without paths", _targets(parts), answer, _all(parts) if apart else None) if apart else None


def in_both(rng: Rng, functions: Sequence[Function]) -> Several | None:
    """A block without a path whose lines stand in two files, beside a clear one: nothing may change."""
    parts = _parts(rng, functions, 2)
    if parts is None:
        return None
    one, two = parts
    lines = ("".join(two.function.lines) + "\n\n" + "".join(one.said[0].search)).splitlines(keepends=True)
    twin = replace(two.function, lines=tuple(lines))
    targets = Targets(whole(one.function), (whole(twin),))
    return Several("a block that fits two files", targets, one.blocks("") + two.blocks(two.function.path), None)


def other_case(rng: Rng, functions: Sequence[Function]) -> Several | None:
    """Paths in other letters' case: the file is meant where no other differs in nothing else, and none is made."""
    parts = _parts(rng, functions, 2)
    if parts is None:
        return None
    new_files = rng.random() < 0.5
    answer = "\n".join(one.blocks(rng.choice([one.function.path.upper(), one.function.path.title()])) for one in parts)
    return Several("paths in other letters' case", _targets(parts, new_files=new_files), answer, _all(parts))


def windows_ends(rng: Rng, functions: Sequence[Function]) -> Several | None:
    """One of the files has Windows line ends, and the answer has them or not."""
    parts = _parts(rng, functions, 2)
    if parts is None:
        return None
    one, two = parts
    lines = tuple(line.replace("\n", "\r\n") for line in one.function.lines)
    targets = Targets(whole(replace(one.function, lines=lines)), (whole(two.function),))
    both = _all(parts)
    intended = {**both, one.function.path: one.text.replace("\n", "\r\n")} if both is not None else None
    answer = "\n".join(each.blocks(each.function.path) for each in parts)
    answer = answer.replace("\n", "\r\n") if rng.random() < 0.5 else answer
    return Several("one file with Windows line ends", targets, answer, intended)


def made_up(rng: Rng, functions: Sequence[Function]) -> Several | None:
    """A new file beside a change, where files may be made and where not."""
    parts = _parts(rng, functions, 1)
    if parts is None:
        return None
    allowed = rng.random() < 0.5
    new = f"{NEW}\n<<<<<<< SEARCH\n=======\n{NEW_TEXT}>>>>>>> REPLACE\n"
    answer = "\n".join(rng.sample([parts[0].blocks(parts[0].function.path), new], 2))
    both = _all(parts)
    intended = {**both, NEW: NEW_TEXT} if both is not None and allowed else None
    others = Targets(whole(parts[0].function), (), new_files=allowed, renames=not allowed)
    return Several("a new file", others, answer, intended)


def renamed(rng: Rng, functions: Sequence[Function]) -> Several | None:
    """A file that is renamed, with a change in it and in another one."""
    parts = _parts(rng, functions, 2)
    if parts is None:
        return None
    allowed = rng.random() < 0.5
    path = parts[0].function.path
    answer = "\n".join(one.blocks(one.function.path) for one in parts)
    answer = f"rename from {path}\nrename to {NEW}\n\n{answer}"
    both = _all(parts)
    intended = {NEW: parts[0].text, parts[1].function.path: parts[1].text} if both is not None and allowed else None
    return Several("a file renamed", _targets(parts, renames=allowed), answer, intended)


CLASSES: tuple[Callable[[Rng, Sequence[Function]], Several | None], ...] = (
    blocks,
    diffs,
    unnamed,
    one_absent,
    outside,
    in_both,
    other_case,
    windows_ends,
    made_up,
    renamed,
)


def several_cases(functions: Sequence[Function], count: int, seed: int) -> Iterator[Several]:
    """Make so many cases of each class, always the same ones for a seed."""
    return drawn(CLASSES, lambda _: functions, count, seed)
