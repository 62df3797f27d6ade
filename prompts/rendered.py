"""What rendering gives: the prompt, its exact size, and an account of every part, shown or not."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from kibitz.prompts.tree import Image, Node, ToolCall, ToolDefinition

if TYPE_CHECKING:
    from kibitz.prompts.chat_template import ChatTemplate
    from kibitz.prompts.curve import Curve
    from kibitz.prompts.solve import Mode


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """One message of a rendered chat prompt.

    `images` and `cache_points` stand at characters of the content, in order; `call_id` is of the call that a tool's
    message answers.
    """

    role: str
    content: str
    name: str = ""
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""
    images: tuple[tuple[int, Image], ...] = ()
    cache_points: tuple[int, ...] = ()


TokenSpan = tuple[int, int]
TokensAt = Callable[["PartReport"], TokenSpan | None]


@dataclass(frozen=True, slots=True)
class PartReport:
    """What became of one part of the tree.

    A shown part stands at characters `start` to `end` (end not included) of the content of message number `message`,
    or of the raw text, where `message` is None. One that is not shown may be `replaced` by an alternative, or kept out
    by the limit of an isolate or a capped part around it (`limited`). It is shown at cutoffs above `lo` and up to
    `priority`; inside an isolate (`isolated`) these are cutoffs of the isolate. A `marker` stands for lines that are
    left out. `number` counts the texts of the tree before it, `slot` the messages of the tree before its own (shown
    or not), whose role is `role`. `tokens` is the size of the part's text on its own.
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
    lo: float = float("-inf")
    limited: bool = False
    isolated: bool = False
    marker: bool = False
    number: int = -1
    slot: int = 0
    role: str = ""
    _count: Callable[[str], int] = field(default=len, repr=False, compare=False)
    _span: TokensAt | None = field(default=None, repr=False, compare=False)

    @property
    def tokens(self) -> int:
        """Count the part on its own; counted when asked for, so that what is left out costs nothing."""
        return self._count(self.text)

    @property
    def token_span(self) -> TokenSpan | None:
        """Return which tokens of its message a shown part's characters touch: first, and one beyond the last.

        The message is encoded when this is first asked for. None for a part that is not shown, and with a tokenizer
        that does not say where its tokens end.
        """
        return self._span(self) if self._span is not None and self.shown else None

    @property
    def token_start(self) -> int | None:
        """The first token of its message that a shown part touches."""
        return self.token_span[0] if self.token_span else None

    @property
    def token_end(self) -> int | None:
        """One beyond the last token of its message that a shown part touches."""
        return self.token_span[1] if self.token_span else None


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a prompt was rendered from, besides the tokenizer and the budget."""

    tree: Node
    mode: "Mode"
    template: "ChatTemplate"


def _no_curve() -> "Curve":
    from kibitz.prompts.curve import Curve

    return Curve()


class Account:
    """What can be told of one rendering, found out when it is first asked for."""

    def __init__(
        self,
        parts: Callable[[], tuple[PartReport, ...]] = tuple,
        curve: "Callable[[], Curve]" = _no_curve,
        shared: Callable[[], int] = int,
        inputs: Inputs | None = None,
    ) -> None:
        self._make_parts = parts
        self._make_curve = curve
        self._make_shared = shared
        self.inputs = inputs

    @cached_property
    def parts(self) -> tuple[PartReport, ...]:
        """Return the parts in tree order."""
        return self._make_parts()

    @cached_property
    def curve(self) -> "Curve":
        """Return what every budget would show."""
        return self._make_curve()

    @cached_property
    def shared(self) -> int:
        """Return the tokens shared with the prompt before."""
        return self._make_shared()

    def at(self, message: int | None, character: int) -> PartReport | None:
        """Return the part to which a character belongs."""
        starts, parts = self._places.get(message, ([], []))
        number = bisect_right(starts, character) - 1
        return parts[number] if number >= 0 and character < parts[number].end else None

    @cached_property
    def _places(self) -> dict[int | None, tuple[list[int], list[PartReport]]]:
        """The shown parts of each message and where they start."""
        places: dict[int | None, tuple[list[int], list[PartReport]]] = {}
        for part in self.parts:
            if part.shown:
                starts, parts = places.setdefault(part.message, ([], []))
                starts.append(part.start)
                parts.append(part)
        return places


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt that fits: either `messages` (with `tools`) or raw `text`.

    `tokens` is the exact count of what is sent, with the chat format round it and without the `reserved` room;
    tokens + reserved <= budget, always. `cutoff` is the least priority down to which everything is shown. `breaks`
    are characters of a raw text over which no token lies.
    """

    messages: tuple[RenderedMessage, ...] | None
    text: str | None
    tokens: int
    reserved: int
    budget: int
    cutoff: float
    tokenizer: str = ""
    exact: bool = True
    tools: tuple[ToolDefinition, ...] = ()
    breaks: tuple[int, ...] = ()
    account: Account = field(default_factory=Account, repr=False, compare=False)

    @property
    def parts(self) -> tuple[PartReport, ...]:
        """Every part of the tree, in tree order."""
        return self.account.parts

    @property
    def omitted(self) -> tuple[str, ...]:
        """Names of the parts of which something is left out, each once, in tree order."""
        return tuple(dict.fromkeys(part.name for part in self.parts if not part.shown and not part.replaced))

    @property
    def curve(self) -> "Curve":
        """What strict mode would show at every budget."""
        return self.account.curve

    @property
    def steps(self) -> tuple[tuple[float, int], ...]:
        """The prompt's size at each cutoff, (cutoff, tokens + reserved), falling: where a budget lets more in."""
        return self.curve.steps

    def at(self, message: int | None, character: int) -> PartReport | None:
        """Return the part to which a character of a message, or (None) of the raw text, belongs; None: to none."""
        return self.account.at(message, character)

    @property
    def shared_tokens(self) -> int:
        """How many tokens at the front are those of the prompt that the same renderer made before; else 0."""
        return self.account.shared

    @property
    def pieces(self) -> tuple[str, ...]:
        """The raw text cut at its token breaks: each piece is encoded on its own."""
        text = self.text or ""
        ends = [*self.breaks, len(text)]
        return tuple(text[start:end] for start, end in zip([0, *ends], ends, strict=False) if start < end)


def shared_prefix(before: Rendered, now: Rendered, encode: Callable[[str], Sequence[int]], around: int = 4) -> int:
    """Count the tokens at the front of a prompt that stand at the front of another one too.

    Messages are compared in order, each with `around` tokens of its own round it; other tools share nothing.
    """
    if (before.messages is None) != (now.messages is None) or before.tools != now.tools:
        return 0
    if now.messages is None or before.messages is None:
        return _common(before.text or "", now.text or "", encode)
    shared = 0
    for old, new in zip(before.messages, now.messages, strict=False):
        if replace(old, cache_points=()) == replace(new, cache_points=()):  # a mark changes no token
            shared += around + len(encode(new.content))
            continue
        if old.role == new.role and old.name == new.name:
            shared += _common(old.content, new.content, encode)
        break
    return min(shared, now.tokens)


def _common(old: str, new: str, encode: Callable[[str], Sequence[int]]) -> int:
    if old == new:
        return len(encode(new))
    mine, theirs = encode(new), encode(old)
    pairs = zip(mine, theirs, strict=False)
    return next((number for number, (a, b) in enumerate(pairs) if a != b), min(len(mine), len(theirs)))
