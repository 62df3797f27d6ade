"""The tree of a prompt: immutable nodes, checked as they are made.

A *scope* carries a priority and is shown when its priority is at or above the cutoff that the renderer picks and the
scope around it is shown. What stands in no scope has the highest priority, `TOP`: it is always shown. The functions of
nodes.py make them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kibitz.prompts.limits import Limit

TOP = 1e9
"""The priority of the root: what must be shown."""

Role = Literal["system", "user", "assistant", "tool"]
Content = Literal["", "text", "messages"]


class Node:
    """A part of a prompt's tree. `content` says what it holds: bare text, messages or neither.

    `isolates` is how deep isolates are nested in it. Nodes are compared by identity.
    """

    __slots__ = ("children", "content", "isolates")

    children: "tuple[Node, ...]"
    content: Content
    isolates: int

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"nodes are immutable: {name} of a {self.label()} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"nodes are immutable: {name} of a {self.label()} cannot be deleted")

    def label(self) -> str:
        """Return what this node is called in an error's path."""
        return type(self).__name__.lower()

    def __repr__(self) -> str:
        return f"<{self.label()}, {len(self.children)} children>"


class Text(Node):
    """Characters, never changed by the renderer."""

    __slots__ = ("text",)

    text: str

    def label(self) -> str:
        """Return the first characters, enough to find the text."""
        return f"text {self.text[:24]!r}"


class Scope(Node):
    """Children that are shown together or not at all, unless inner scopes have lower priorities.

    `key` tells a renderer with a memory that this is the scope of an earlier tree, whatever else has changed.
    """

    __slots__ = ("key", "name", "origin", "p", "prel")

    p: float | None
    prel: float | None
    name: str
    origin: str
    key: str

    def label(self) -> str:
        """Return the kind and name."""
        return f"scope {self.name!r}" if self.name else "scope"


class Lines(Node):
    """A scope of each text, in one node: `priorities[n]` is absolute and belongs to `texts[n]`.

    The texts come from lines `line`, `line + 1`, … of `path`; a text without a line end shares its line with the next.
    `marker` stands before text number `gap` as long as any of them is left out.
    """

    __slots__ = ("gap", "line", "marker", "name", "path", "priorities", "texts")

    texts: tuple[str, ...]
    priorities: tuple[float, ...]
    name: str
    path: str
    line: int
    marker: str
    gap: int

    def label(self) -> str:
        """Return the kind and name."""
        return f"lines {self.name!r}" if self.name else "lines"


class First(Node):
    """Alternatives: of its scopes only the first one at or above the cutoff is shown."""

    __slots__ = ()


class Isolate(Node):
    """Children rendered on their own, to their own limit, before they count as fixed text."""

    __slots__ = ("limit",)

    limit: Limit


class Capped(Node):
    """Children in the search of the whole prompt, but never more of them than the limit."""

    __slots__ = ("limit",)

    limit: Limit


class Reserve(Node):
    """Room kept free for the answer."""

    __slots__ = ("tokens",)

    tokens: int


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model made: its id, the tool's name, the arguments as it wrote them (JSON)."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A tool that the model may call; `parameters` is a JSON schema."""

    name: str
    description: str
    parameters: Mapping[str, Any]


class Message(Node):
    """One message of a chat prompt; it vanishes when all its text is left out, unless it calls tools."""

    __slots__ = ("call_id", "calls", "name", "role")

    role: Role
    name: str
    calls: tuple[ToolCall, ...]
    call_id: str

    def label(self) -> str:
        """Return the role."""
        return f"{self.role} message"


class Tools(Node):
    """Definitions of tools, sent beside the messages."""

    __slots__ = ("definitions",)

    definitions: tuple[ToolDefinition, ...]


class Image(Node):
    """An image in a user's message: its data, its size in pixels, how closely it is looked at."""

    __slots__ = ("data", "detail", "height", "mime", "width")

    data: bytes
    mime: str
    width: int
    height: int
    detail: Literal["low", "high"]


class TokenBreak(Node):
    """No token may lie across this place of a raw prompt; what is sent are the tokens of the pieces."""

    __slots__ = ()


class CachePoint(Node):
    """What stands before this place is worth keeping in a provider's prefix cache."""

    __slots__ = ()
