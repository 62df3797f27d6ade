"""How nodes are made and checked."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias, TypeVar

from kibitz.prompts.errors import TreeError
from kibitz.prompts.tree import TOP, Content, Message, Node, Scope, Text

Child: TypeAlias = "Node | str | Iterable[Child] | None"

N = TypeVar("N", bound=Node)


# Nodes refuse to be changed. While one is made it has a class that does not refuse, with the same layout: a frozen
# dataclass would take four times as long, and a prompt has tens of thousands of them.
class OpenText(Text):
    """A text while it is made."""

    __slots__ = ()
    __setattr__ = object.__setattr__  # type: ignore[assignment]


class OpenScope(Scope):
    """A scope while it is made."""

    __slots__ = ()
    __setattr__ = object.__setattr__  # type: ignore[assignment]


def text(content: str) -> Text:
    """Make a text node (a bare string does the same wherever children are taken)."""
    if not isinstance(content, str):
        raise TreeError(f"text takes a string, not {type(content).__name__}")
    node = OpenText()
    node.children = ()
    node.content = "text" if content else ""
    node.isolates = 0
    node.text = content
    node.__class__ = Text  # type: ignore[assignment]
    return node


def made(kind: type[N], children: tuple[Node, ...], content: Content, isolates: int, **own: Any) -> N:
    """Make a node of a kind with its own fields."""
    node = object.__new__(kind)
    fields = {"children": children, "content": content, "isolates": isolates, **own}
    for name, value in fields.items():
        object.__setattr__(node, name, value)
    return node


def check_priority(where: str, p: float | None, prel: float | None) -> None:
    """Refuse two priorities, and one that is no finite number or above the top."""
    if p is not None and prel is not None:
        raise TreeError(f"{where}: give p or prel, not both")
    value = prel if p is None else p
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise TreeError(f"{where}: a priority is a finite number, not {value!r}")
    if p is not None and p > TOP:
        raise TreeError(f"{where}: priority {p} is above the top, {TOP:.0f}")


def adopt(where: str, children: Iterable[Child]) -> tuple[tuple[Node, ...], Content, int]:
    """Turn children into nodes and check that text does not stand beside messages."""
    nodes = tuple(flatten(where, children))
    kinds = {node.content for node in nodes if node.content}
    if len(kinds) == 2:
        stray = path_to(where, nodes, "text")
        raise TreeError(f"{stray}: text cannot stand beside messages; put it into one")
    content: Content = kinds.pop() if kinds else ""
    return nodes, content, max((node.isolates for node in nodes), default=0)


def flatten(where: str, children: Iterable[object]) -> Iterator[Node]:
    """Yield the nodes of nested children; strings become texts."""
    for number, child in enumerate(children, 1):
        if isinstance(child, Node):
            yield child
        elif isinstance(child, str):
            yield text(child)
        elif isinstance(child, Iterable) and not isinstance(child, bytes | Mapping):
            yield from flatten(f"{where} > child {number}", child)
        elif child is not None:
            raise TreeError(f"{where} > child {number}: a node or a string, not {type(child).__name__}")


def path_to(where: str, nodes: tuple[Node, ...], content: Content) -> str:
    """Name the way from a node to the first leaf or message below it that holds `content`."""
    steps = [where]
    while nodes:
        number, node = next((n, node) for n, node in enumerate(nodes, 1) if node.content == content)
        steps.append(f"child {number}, {node.label()}")
        if isinstance(node, Text | Message):
            break
        nodes = node.children
    return " > ".join(steps if len(steps) <= 12 else [*steps[:6], "...", *steps[-5:]])
