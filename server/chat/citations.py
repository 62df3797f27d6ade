"""Which places of the code an answer names, checked against what the model was really shown."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from kibitz.prompts.render import Rendered

_LINES = r"(?P<start>\d{1,7})(?:\s?[-\u2013\u2014]\s?L?(?P<end>\d{1,7}))?"
_CITED = re.compile(
    # Only from a path's first character: from each one of a long word the search would take quadratic time.
    rf"(?<![\w@+~./\\-])(?P<path>[\w@+~./\\-]*[\w+-])[`*]*(?::L?|#L|,? \(?lines? ){_LINES}(?!\w)",
    re.IGNORECASE,
)
_ORIGIN = re.compile(r"^(?P<path>.+):(?P<start>\d+)-(?P<end>\d+)$")


@dataclass(frozen=True, slots=True, order=True)
class Citation:
    """Lines of a file of the workspace, 1-based, both ends included."""

    path: str
    start_line: int
    end_line: int

    @property
    def same(self) -> tuple[str, ...]:
        """What places have in common that are one where they touch."""
        return (self.path,)


P = TypeVar("P", bound=Citation)


def citations(text: str, rendered: "Rendered") -> tuple[Citation, ...]:
    """Return the places that an answer names, in its order, each once.

    `path:10-24`, `path:10`, `path#L10-L24` and `path, lines 10-24` are understood; the path may be the last parts of
    one that was shown, when only one fits. A place is cut to the lines that were in the prompt. What was not there
    is no citation, and an answer that names nothing has none.
    """
    shown = merged(_shown(rendered))
    paths = list(dict.fromkeys(place.path for place in shown))
    found: list[Citation] = []
    for match in _CITED.finditer(text):
        path = _resolve(match["path"].replace("\\", "/"), paths)
        start = int(match["start"])
        end = int(match["end"] or start)
        found += [
            Citation(path, max(start, place.start_line), min(end, place.end_line))
            for place in sorted(shown)
            if place.path == path and start <= end and place.start_line <= end and start <= place.end_line
        ]
    return tuple(dict.fromkeys(found))


def _resolve(named: str, paths: Sequence[str]) -> str:
    """Return the only shown path that ends with the one named, or ""."""
    named = re.sub(r"^(?:\.?/|[ab]/(?=.*/))", "", named) if named not in paths else named
    if named in paths:
        return named
    fits = [path for path in paths if path.endswith("/" + named)]
    return fits[0] if len(fits) == 1 else ""


def _shown(rendered: "Rendered") -> Iterator[Citation]:
    for part in rendered.parts:
        place = place_of(part.origin) if part.shown and part.text.strip() else None
        if place:
            yield place


def place_of(origin: str) -> Citation | None:
    """Return the lines that a part of a prompt comes from; None for one that is not lines of a file."""
    place = _ORIGIN.match(origin)
    return Citation(place["path"], int(place["start"]), int(place["end"])) if place else None


def merged(places: Iterable[P]) -> tuple[P, ...]:
    """Join places of one file that overlap or follow each other; the order is that of each place's first part."""
    order = list(dict.fromkeys(places))
    runs: list[P] = []
    for place in sorted(order, key=lambda one: (one.same, one.start_line, one.end_line)):
        last = runs[-1] if runs else None
        if last and last.same == place.same and place.start_line <= last.end_line + 1:
            runs[-1] = replace(last, end_line=max(last.end_line, place.end_line))
        else:
            runs.append(place)
    rank = {place: number for number, place in enumerate(order)}
    return tuple(sorted(runs, key=lambda run: min(n for place, n in rank.items() if _holds(run, place))))


def _holds(run: Citation, place: Citation) -> bool:
    return run.same == place.same and run.start_line <= place.start_line and place.end_line <= run.end_line
