"""What a search may show: files by where they are, chunks by their language and kind. Pure functions over a view."""

import difflib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.errors import FilterError
from kibitz.indexer.languages import LANGUAGES, language_named
from kibitz.indexer.piece import KINDS
from kibitz.indexer.view import View

Mask = NDArray[np.bool_]

MOST_GLOBS = 256  # after their braces have been spelt out

_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")
_BEFORE = re.compile(r"^(!?)(?:\./)+")


@dataclass(frozen=True, slots=True)
class Filters:
    """What a search may show. An empty part lets everything pass; several values of one part are alternatives.

    Attributes:
        languages: names of LANGUAGES.
        globs: patterns of paths as in .gitignore, with braces: "*.py" at any depth, "src/**" below src,
            "**/*.{ts,tsx}"; "!tests/**" takes out again. The last one that matches a path decides.
        kinds: of chunks, names of KINDS.
    """

    languages: tuple[str, ...] = ()
    globs: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for language in self.languages:
            _known(language, LANGUAGES, "language")
        for kind in self.kinds:
            _known(kind, KINDS, "kind")
        if self.globs:
            _patterns(self.globs)

    def __bool__(self) -> bool:
        return bool(self.languages or self.globs or self.kinds)

    @classmethod
    def of(cls, languages: Iterable[str] = (), globs: Iterable[str] = (), kinds: Iterable[str] = ()) -> "Filters":
        """Filters from what somebody wrote: languages also by another name or by a file's ending ("ts", "c++").

        Raises:
            FilterError: there is no such language or kind, or a glob is none.
        """
        spoken = tuple(language_named(name) or name for name in languages)
        return cls(spoken, tuple(globs), tuple(kind.strip().lower() for kind in kinds))


NO_FILTERS = Filters()


def files_inside(view: View, within: str, filters: Filters = NO_FILTERS) -> Mask:
    """Which files a question may see, (f,): those that are alive, below a folder (or it), and let pass by a filter.

    A filter of chunks leaves a file out that has none to show.
    """
    inside: Mask = view.alive
    if within.strip("/") not in {"", "."}:
        inside = inside & np.array([is_in(path, within) for path in view.paths], bool)
    if filters.globs:
        inside = inside & globbed(view.paths, filters.globs)
    chunks = chunks_inside(view, filters)
    if chunks is not None and len(view.paths):
        inside = inside & np.logical_or.reduceat(chunks, view.first[:-1])
    return inside


def is_in(path: str, within: str) -> bool:
    """Whether a file is in a folder of the workspace, or is that file; every file is in "" and "."."""
    folder = within.strip("/").removeprefix("./")
    return folder in {"", "."} or path == folder or path.startswith(folder + "/")


def chunks_inside(view: View, filters: Filters) -> Mask | None:
    """Which chunks may be shown, (n,), by their kinds and languages; None when all may."""
    if not (filters.kinds or filters.languages):
        return None
    inside: Mask = np.ones(len(view.lengths), bool)
    for side, wanted, known in ((0, filters.kinds, KINDS), (1, filters.languages, ("", *LANGUAGES))):
        if wanted:
            passing = np.zeros(256, bool)
            passing[[known.index(name) for name in wanted]] = True
            inside &= passing[view.codes[:, side]]
    return inside


def globbed(paths: Sequence[str], globs: Sequence[str]) -> Mask:
    """Which paths the globs mean, (len(paths),). Where all of them take out, every other path is meant."""
    patterns = _patterns(globs)
    meant: Mask = np.full(len(paths), not any(include for _, include in patterns))
    for regex, include in patterns:
        meant[np.fromiter(map(bool, map(regex.match, paths)), bool, len(paths))] = include
    return meant


def _patterns(globs: Sequence[str]) -> list[tuple[re.Pattern[str], bool]]:
    """Each glob as a regular expression for paths, and whether it lets pass or takes out.

    Raises:
        FilterError: one of them is none.
    """
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    found: list[tuple[re.Pattern[str], bool]] = []
    for glob in globs:
        for plain in _spelt_out(_BEFORE.sub(r"\1", glob.strip())):
            try:
                pattern = GitIgnoreSpecPattern(plain)
            except (ValueError, re.error):
                pattern = None
            if pattern is None or pattern.regex is None or pattern.include is None:
                raise FilterError(f"{glob!r} is no glob: write one such as '*.py', 'src/**' or '!tests/**'.")
            found.append((pattern.regex, pattern.include))
            if len(found) > MOST_GLOBS:
                raise FilterError(f"There are more than {MOST_GLOBS} globs: name a folder instead.")
    return found


def _spelt_out(glob: str) -> list[str]:
    """A glob for each choice of its braces, which patterns of ignore files do not know."""
    done: list[str] = []
    waiting = [glob]
    while waiting and len(done) + len(waiting) <= MOST_GLOBS:
        one = waiting.pop()
        braces = _BRACES.search(one)
        if braces is None:
            done.append(one)
        else:
            waiting += [one[: braces.start()] + part + one[braces.end() :] for part in braces[1].split(",")]
    return done + waiting


def _known(name: str, names: Collection[str], what: str) -> None:
    """Refuse a name that is none of these."""
    if name in names:
        return
    near = difflib.get_close_matches(name.lower(), names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(names))}."
    raise FilterError(f"There is no {what} {name[:40]!r}: {hint}")
