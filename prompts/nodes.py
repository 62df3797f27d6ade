"""The tree of a prompt: immutable nodes made by plain functions, checked as they are made.

A *scope* carries a priority and is shown when its priority is at or above the cutoff that the renderer picks and the
scope around it is shown. What stands in no scope has the highest priority, `TOP`: it is always shown.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from kibitz.prompts.errors import TreeError

TOP = 1e9
"""The priority of the root: what must be shown."""

Role = Literal["system", "user", "assistant"]
Content = Literal["", "text", "messages"]
_DEEPEST_ISOLATE = 50


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Node:
    """A part of a prompt's tree. `content` says what it holds: bare text, messages or neither."""

    children: "tuple[Node, ...]" = ()
    content: Content = ""
    isolates: int = 0  # how deep isolates are nested in here

    def label(self) -> str:
        """Return what this node is called in an error's path."""
        return type(self).__name__.lower()

    def __repr__(self) -> str:
        return f"<{self.label()}, {len(self.children)} children>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Text(Node):
    """Characters, never changed by the renderer."""

    text: str = ""

    def label(self) -> str:
        """Return the first characters, enough to find the text."""
        return f"text {self.text[:24]!r}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Scope(Node):
    """Children that are shown together or not at all, unless inner scopes have lower priorities."""

    p: float | None = None
    prel: float | None = None
    name: str = ""
    origin: str = ""

    def label(self) -> str:
        """Return the kind and name."""
        return f"scope {self.name!r}" if self.name else "scope"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class First(Node):
    """Alternatives: of its scopes only the first one at or above the cutoff is shown."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Isolate(Node):
    """Children rendered on their own, to their own limit, before they count as fixed text."""

    limit: int = 0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Reserve(Node):
    """Room kept free for the answer."""

    tokens: int = 0


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Message(Node):
    """One message of a chat prompt; it vanishes when all its text is left out."""

    role: Role = "user"

    def label(self) -> str:
        """Return the role."""
        return f"{self.role} message"


Child: TypeAlias = "Node | str | Iterable[Child] | None"


def text(content: str) -> Text:
    """Make a text node (a bare string does the same wherever children are taken)."""
    if not isinstance(content, str):
        raise TreeError(f"text takes a string, not {type(content).__name__}")
    return Text(content="text" if content else "", text=content)


def scope(
    *children: Child, p: float | None = None, prel: float | None = None, name: str = "", origin: str = ""
) -> Scope:
    """Make a scope with an absolute priority `p`, or one relative to the scope around it, `prel`; neither: the same.

    `name` and `origin` (where the text comes from, "src/a.py:10-24") are reported for every text inside.

    Raises:
        TreeError: both priorities, one that is no finite number or above TOP, or children that do not go together.
    """
    where = f"scope {name!r}" if name else "scope"
    if p is not None and prel is not None:
        raise TreeError(f"{where}: give p or prel, not both")
    for value in (p, prel):
        if value is not None and not _is_number(value):
            raise TreeError(f"{where}: a priority is a finite number, not {value!r}")
    if p is not None and p > TOP:
        raise TreeError(f"{where}: priority {p} is above the top, {TOP:.0f}")
    nodes, content, isolates = _adopt(where, children)
    return Scope(nodes, content, isolates, p=p, prel=prel, name=name, origin=origin)


def fragment(*children: Child) -> Scope:
    """Put nodes together without a priority of their own."""
    return scope(*children)


def first(*children: Child) -> First:
    """Make alternatives: the first scope, in order, whose priority is at or above the cutoff is shown, alone.

    Put the fullest version first, with the lowest priority; its `p` and `prel` count from the scope around `first`.

    Raises:
        TreeError: a child is not a scope.
    """
    nodes, content, isolates = _adopt("first", children)
    for number, child in enumerate(nodes, 1):
        if not isinstance(child, Scope):
            raise TreeError(f"first > child {number}: only scopes may stand in first, not {child.label()}")
    return First(nodes, content, isolates)


def isolate(*children: Child, limit: int) -> Isolate:
    """Render children to their own limit, in tokens, with priorities of their own; the result is fixed.

    An isolate that cannot be brought below its limit makes every prompt that shows it too big.

    Raises:
        TreeError: the limit is not a whole number of tokens, or isolates are nested too deep.
    """
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise TreeError(f"isolate: a limit is a whole number of tokens, not {limit!r}")
    nodes, content, isolates = _adopt("isolate", children)
    if isolates >= _DEEPEST_ISOLATE:
        raise TreeError(f"isolate: nested more than {_DEEPEST_ISOLATE} deep")
    return Isolate(nodes, content, isolates + 1, limit=limit)


def reserve(tokens: int) -> Reserve:
    """Keep tokens of the budget free for the answer; in a scope the reserve disappears with the scope.

    Raises:
        TreeError: not a whole number of tokens.
    """
    if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 0:
        raise TreeError(f"reserve: takes a whole number of tokens, not {tokens!r}")
    return Reserve(tokens=tokens)


def system(*children: Child) -> Message:
    """Make a system message."""
    return _message("system", children)


def user(*children: Child) -> Message:
    """Make a user's message."""
    return _message("user", children)


def assistant(*children: Child) -> Message:
    """Make a message of the model's."""
    return _message("assistant", children)


def lines(source: str, priority: Callable[[int], float], *, name: str = "", origin: str = "") -> tuple[Scope, ...]:
    """Make a scope of each line (line ends kept), with the priority that `priority` gives for its 0-based number."""
    return tuple(
        Scope((Text(content="text", text=line),), "text", p=priority(number), name=name, origin=origin)
        for number, line in enumerate(source.splitlines(keepends=True))
    )


def _message(role: Role, children: tuple[Child, ...]) -> Message:
    where = f"{role} message"
    nodes = tuple(_flatten(where, children))
    if any(node.content == "messages" for node in nodes):
        raise TreeError(f"{_path(where, nodes, 'messages')}: a message cannot stand inside a message")
    nodes, _, isolates = _adopt(where, nodes)
    return Message(nodes, "messages", isolates, role=role)


def _adopt(where: str, children: tuple[Child, ...]) -> tuple[tuple[Node, ...], Content, int]:
    """Turn children into nodes and check that text does not stand beside messages."""
    nodes = tuple(_flatten(where, children))
    kinds = {node.content for node in nodes if node.content}
    if len(kinds) == 2:
        stray = _path(where, nodes, "text")
        raise TreeError(f"{stray}: text cannot stand beside messages; put it into one")
    content: Content = kinds.pop() if kinds else ""
    return nodes, content, max((node.isolates for node in nodes), default=0)


def _flatten(where: str, children: Iterable[object]) -> Iterator[Node]:
    for number, child in enumerate(children, 1):
        if isinstance(child, Node):
            yield child
        elif isinstance(child, str):
            yield text(child)
        elif isinstance(child, Iterable) and not isinstance(child, bytes):
            yield from _flatten(f"{where} > child {number}", child)
        elif child is not None:
            raise TreeError(f"{where} > child {number}: a node or a string, not {type(child).__name__}")


def _path(where: str, nodes: tuple[Node, ...], content: Content) -> str:
    """Name the way from a node to the first leaf or message below it that holds `content`."""
    steps = [where]
    while nodes:
        number, node = next((n, node) for n, node in enumerate(nodes, 1) if node.content == content)
        steps.append(f"child {number}, {node.label()}")
        if isinstance(node, Text | Message):
            break
        nodes = node.children
    return " > ".join(steps if len(steps) <= 12 else [*steps[:6], "...", *steps[-5:]])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
