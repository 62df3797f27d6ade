"""The seam where an answer goes on: what the model says once more of what stands there already is left out."""

MOST_CHARS = 400  # that a model says again, at most
LEAST_CHARS = 12  # fewer may be the same by chance, unless they are a whole line


class Seam:
    """Takes the pieces of what follows a text, and gives them without what overlaps its end."""

    def __init__(self, before: str) -> None:
        self._before = before[-MOST_CHARS:]
        self._held: str | None = ""  # None: the seam is behind us

    def feed(self, piece: str) -> str:
        """Take a piece, and give what can be given by now."""
        if self._held is None:
            return piece
        self._held += piece
        return "" if self._may_grow(self._held) else self.rest()

    def rest(self) -> str:
        """Give what is held back, less the overlap."""
        held, self._held = self._held or "", None
        return held[overlap(self._before, held) :]

    def _may_grow(self, held: str) -> bool:
        """Tell whether more text might still make a longer overlap."""
        return len(held) < len(self._before) and held in self._before


def overlap(before: str, after: str) -> int:
    """Return how many characters at the beginning of `after` the end of `before` says already."""
    for length in range(min(len(before), len(after), MOST_CHARS), 0, -1):
        if before.endswith(after[:length]) and _tells(after[:length], before, length):
            return length
    return 0


def _tells(shared: str, before: str, length: int) -> bool:
    """Tell whether so much is no chance: enough characters, or one whole line and its end."""
    whole = shared.endswith("\n") and shared.strip() != "" and before[-length - 1 : -length] in {"", "\n"}
    return whole or len(shared.strip()) >= LEAST_CHARS
