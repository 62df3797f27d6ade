"""Suggestions in hand: one goes on serving while the user types what it says, and when keys are taken back."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field, replace

from kibitz.server.completion.filters import clean
from kibitz.server.completion.snapshot import Snapshot

BEFORE, AFTER = 2_000, 1_000  # characters around a cursor by which a place is known again
CLOSERS = frozenset(")]}>\"'`")
MOST_CLOSERS = 3  # that an editor puts after the cursor while a suggestion is typed
ANSWERS, DOCUMENTS = 8, 16


@dataclass(frozen=True, slots=True)
class Place:
    """What stands around a cursor, as far as it is compared; changes further away do not matter."""

    before: str
    after: str
    at_start: bool
    at_end: bool

    @staticmethod
    def of(at: Snapshot) -> "Place":
        """Take the surroundings of a snapshot's cursor, with line feeds alone."""
        near = replace(at, prefix=at.prefix[-BEFORE:], suffix=at.suffix[:AFTER]).with_line_feeds()
        return Place(near.prefix, near.suffix, len(at.prefix) <= BEFORE, len(at.suffix) <= AFTER)


@dataclass(frozen=True, slots=True)
class Held:
    """An answer: its number, where it was asked for, its texts (the first is the likeliest), what it counts as."""

    number: int
    place: Place
    texts: tuple[str, ...]
    key: tuple[str, str]  # language and kind of place


def rest(held: Held, at: Snapshot) -> str | None:
    """Return what is left to show of an answer at a cursor; None: the answer does not fit there.

    The cursor may stand after some of a text, typed by the user, with closing brackets and quotes behind it that the
    editor put there; or before where the answer was asked for, on the same line, where keys were taken back.
    """
    now = at.with_line_feeds()
    closers = _closers(held.place, now.suffix)
    if closers is None:
        return None
    for text in held.texts:
        typed = _typed(held.place, text, now.prefix)
        if typed is not None:
            left = text[typed:]
            return (clean(left, now) if closers else left) or None
    taken = _taken_back(held.place, now.prefix)
    return taken + held.texts[0] if taken and not closers else None


def _closers(place: Place, suffix: str) -> str | None:
    """Return what an editor has put before the text that stood after the cursor, None when that has changed."""
    for count in range(MOST_CLOSERS + 1):
        added, same = suffix[:count], suffix[count:]
        if not CLOSERS.issuperset(added) or len(added) < count:
            return None
        if same == place.after or (not place.at_end and same.startswith(place.after)):
            return added
    return None


def _typed(place: Place, text: str, prefix: str) -> int | None:
    """Return how much of the text stands before the cursor, as much as can be."""
    for count in range(len(text), -1, -1):
        now = place.before + text[:count]
        if prefix == now or (not place.at_start and prefix.endswith(now)):
            return count
    return None


def _taken_back(place: Place, prefix: str) -> str:
    """Return the end of the text before the cursor that is gone now, on its line; "" when it is not that."""
    line = place.before[place.before.rfind("\n") + 1 :]
    for count in range(1, len(line) + 1):
        now = place.before[: len(place.before) - count]
        if prefix == now or (not place.at_start and now and prefix.endswith(now)):
            return line[len(line) - count :]
    return ""


@dataclass(slots=True)
class InHand:
    """The last answers of each document."""

    _answers: OrderedDict[str, deque[Held]] = field(default_factory=OrderedDict)
    _count: int = 0

    def hold(self, uri: str, at: Snapshot, texts: tuple[str, ...], key: tuple[str, str]) -> Held:
        """Keep an answer of one text or more; the oldest one of the document may go, or those of another document."""
        self._count += 1
        held = Held(self._count, Place.of(at), texts, key)
        self._answers.setdefault(uri, deque(maxlen=ANSWERS)).append(held)
        self._answers.move_to_end(uri)
        if len(self._answers) > DOCUMENTS:
            self._answers.popitem(last=False)
        return held

    def find(self, uri: str, at: Snapshot) -> tuple[Held, str] | None:
        """Return the newest answer that serves at a cursor, and what is left of it to show."""
        for held in reversed(self._answers.get(uri, ())):
            left = rest(held, at)
            if left is not None and left.strip():
                return held, left
        return None

    def numbered(self, number: int) -> tuple[str, Held] | None:
        """Return an answer and its document."""
        every = ((uri, held) for uri, answers in self._answers.items() for held in answers)
        return next((found for found in every if found[1].number == number), None)

    def forget(self, uri: str) -> None:
        """Drop the answers of a document that was closed."""
        self._answers.pop(uri, None)


def first_word(text: str) -> str:
    """Return the start of a text up to the end of its first word, with the blanks and marks before it."""
    end = next((number for number, mark in enumerate(text) if mark.isalnum() or mark == "_"), len(text))
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    return text[:end]


def first_line(text: str) -> str:
    """Return the start of a text up to the end of its first line that is not blank."""
    end = text.find("\n", len(text) - len(text.lstrip()))
    return text if end < 0 else text[:end]
