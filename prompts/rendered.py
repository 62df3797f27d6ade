"""What rendering gives: the prompt, its exact size, and an account of every part, shown or not."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """One message of a rendered chat prompt."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class PartReport:
    """What became of one part of the tree.

    A shown part stands at characters `start` to `end` (end not included) of the content of message number `message`,
    or of the raw text, where `message` is None. One that is not shown may be `replaced` by an alternative. `tokens`
    is the size of the part's text on its own.
    """

    name: str
    origin: str
    priority: float
    shown: bool
    text: str = field(repr=False)
    message: int | None = None
    start: int = 0
    end: int = 0
    replaced: bool = False
    _count: Callable[[str], int] = field(default=len, repr=False, compare=False)

    @property
    def tokens(self) -> int:
        """Count the part on its own; counted when asked for, so that what is left out costs nothing."""
        return self._count(self.text)


class Account:
    """The parts of one rendering, put together when they are first asked for."""

    def __init__(self, make: Callable[[], tuple[PartReport, ...]]) -> None:
        self._make = make
        self._parts: tuple[PartReport, ...] | None = None

    def parts(self) -> tuple[PartReport, ...]:
        """Return the parts in tree order."""
        if self._parts is None:
            self._parts = self._make()
        return self._parts


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt that fits: either `messages` or raw `text`.

    `tokens` is the exact count of what is sent, with the chat format round it and without the `reserved` room;
    tokens + reserved <= budget, always. `cutoff` is the least priority down to which everything is shown. `steps`
    tells the prompt's size at each cutoff that was looked at, (cutoff, tokens + reserved), falling: where a bigger
    budget would let more in.
    """

    messages: tuple[RenderedMessage, ...] | None
    text: str | None
    tokens: int
    reserved: int
    budget: int
    cutoff: float
    tokenizer: str = ""
    exact: bool = True
    steps: tuple[tuple[float, int], ...] = field(default=(), repr=False)
    account: Account = field(default_factory=lambda: Account(tuple), repr=False, compare=False)

    @property
    def parts(self) -> tuple[PartReport, ...]:
        """Every part of the tree, in tree order."""
        return self.account.parts()

    @property
    def omitted(self) -> tuple[str, ...]:
        """Names of the parts of which something is left out, each once, in tree order."""
        return tuple(dict.fromkeys(part.name for part in self.parts if not part.shown and not part.replaced))
