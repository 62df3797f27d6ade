"""Putting a prompt together from the leaves that are shown."""

from dataclasses import dataclass

from kibitz.prompts.layout import Layout, Leaf, Slot
from kibitz.prompts.rendered import RenderedMessage
from kibitz.prompts.solve import Search
from kibitz.prompts.tree import CachePoint, Image, TokenBreak, ToolDefinition, Tools


@dataclass(frozen=True, slots=True)
class Composed:
    """What is sent, and for each slot of the layout the number of the message that it became (or would have been)."""

    messages: tuple[RenderedMessage, ...]
    numbers: tuple[int, ...]
    text: str
    tools: tuple[ToolDefinition, ...]
    breaks: tuple[int, ...]


def compose(search: Search) -> Composed:
    """Put together what a settled search shows."""
    layout = search.layout
    marks = _marks(layout)
    if layout.raw is not None:
        order = layout.raw.order
        breaks = tuple(_at(order, leaf) for leaf in marks if isinstance(leaf.node, TokenBreak))
        return Composed((), (0,), "".join([leaf.text for leaf in order]), (), breaks)
    messages: list[RenderedMessage] = []
    numbers: list[int] = []
    for slot in layout.slots():
        numbers.append(len(messages))
        opening = slot.opening
        inner = search.inner.get(opening.node) if opening is not None and slot.message is None else None
        if inner is not None and opening is not None and opening.shown:
            messages.extend(compose(inner).messages)
        elif search.tally.holds(slot):
            messages.append(_message(slot, [leaf for leaf in marks if leaf.slot is slot]))
    for leaf in marks:  # between messages: at the end of the one before
        if isinstance(leaf.node, CachePoint) and leaf.slot is None:
            _mark_message_before(layout, leaf, messages, numbers)
    tools = tuple(each for leaf in marks if isinstance(leaf.node, Tools) for each in leaf.node.definitions)
    return Composed(tuple(messages), tuple(numbers), "", tools, ())


def _marks(layout: Layout) -> list[Leaf]:
    """Return the shown leaves that are neither text nor message."""
    return [
        leaf
        for leaf in layout.leaves
        if not leaf.text and leaf.shown and isinstance(leaf.node, CachePoint | Image | TokenBreak | Tools)
    ]


def _message(slot: Slot, marks: list[Leaf]) -> RenderedMessage:
    message = slot.message
    assert message is not None
    content = "".join([leaf.text for leaf in slot.order])
    return RenderedMessage(
        message.role,
        content,
        message.name,
        message.calls,
        message.call_id,
        tuple((_at(slot.order, leaf), leaf.node) for leaf in marks if isinstance(leaf.node, Image)),
        tuple(_at(slot.order, leaf) for leaf in marks if isinstance(leaf.node, CachePoint)),
    )


def _at(order: list[Leaf], mark: Leaf) -> int:
    """Return the character of the content at which a mark stands."""
    return sum(len(leaf.text) for leaf in order if leaf.number < mark.number)


def _mark_message_before(layout: Layout, mark: Leaf, messages: list[RenderedMessage], numbers: list[int]) -> None:
    slots = list(layout.slots())
    before = [n for slot, n in zip(slots, numbers, strict=True) if slot.opening and slot.opening.number < mark.number]
    after = [n for slot, n in zip(slots, numbers, strict=True) if slot.opening and slot.opening.number > mark.number]
    end = after[0] if after else len(messages)
    if before and end:
        message = messages[end - 1]
        points = (*message.cache_points, len(message.content))
        messages[end - 1] = RenderedMessage(
            *(message.role, message.content, message.name, message.calls, message.call_id, message.images), points
        )
