"""The functions that make a prompt's tree."""

import math
from collections.abc import Callable, Sequence
from typing import Literal

from kibitz.prompts.errors import TreeError
from kibitz.prompts.limits import Limit, limit_of
from kibitz.prompts.making import Child, OpenScope, adopt, check_priority, flatten, made, path_to, text
from kibitz.prompts.tree import (
    TOP,
    CachePoint,
    Capped,
    Content,
    First,
    Image,
    Isolate,
    Lines,
    Message,
    Node,
    Reserve,
    Role,
    Scope,
    Text,
    TokenBreak,
    ToolCall,
    ToolDefinition,
    Tools,
)

__all__ = [
    "TOP",
    "CachePoint",
    "Capped",
    "Child",
    "First",
    "Image",
    "Isolate",
    "Lines",
    "Message",
    "Node",
    "Reserve",
    "Scope",
    "Text",
    "TokenBreak",
    "ToolCall",
    "ToolDefinition",
    "Tools",
    "assistant",
    "cache_point",
    "capped",
    "fallback",
    "first",
    "fragment",
    "image",
    "isolate",
    "line_break",
    "lines",
    "reserve",
    "scope",
    "shortened",
    "system",
    "text",
    "token_break",
    "tool",
    "tools",
    "user",
]

_DEEPEST_ISOLATE = 50


def scope(
    *children: Child,
    p: float | None = None,
    prel: float | None = None,
    name: str = "",
    origin: str = "",
    key: str = "",
) -> Scope:
    """Make a scope with an absolute priority `p`, or one relative to the scope around it, `prel`; neither: the same.

    `name` and `origin` (where the text comes from, "src/a.py:10-24") are reported for every text inside. `key` is
    unique among its siblings and tells a Renderer which scope of the tree before this one was.

    Raises:
        TreeError: both priorities, one that is no finite number or above TOP, or children that do not go together.
    """
    if p is not None or prel is not None:
        check_priority(f"scope {name!r}" if name else "scope", p, prel)
    node = OpenScope()
    if len(children) == 1 and isinstance(children[0], str):  # most scopes: one text
        only = text(children[0])
        node.children = (only,)
        node.content = only.content
        node.isolates = 0
    else:
        where = f"scope {name!r}" if name else "scope"
        node.children, node.content, node.isolates = adopt(where, children)
    node.p = p
    node.prel = prel
    node.name = name
    node.origin = origin
    node.key = key
    node.__class__ = Scope  # type: ignore[assignment]
    return node


def fragment(*children: Child) -> Scope:
    """Put nodes together without a priority of their own."""
    return scope(*children)


def first(*children: Child) -> First:
    """Make alternatives: the first scope, in order, whose priority is at or above the cutoff is shown, alone.

    Put the fullest version first, with the lowest priority; its `p` and `prel` count from the scope around `first`.

    Raises:
        TreeError: a child is not a scope.
    """
    nodes, content, isolates = adopt("first", children)
    for number, child in enumerate(nodes, 1):
        if not isinstance(child, Scope):
            raise TreeError(f"first > child {number}: only scopes may stand in first, not {child.label()}")
    return made(First, nodes, content, isolates)


def fallback(*versions: Child, p: float, step: float = 1.0, name: str = "", origin: str = "") -> First:
    """Make versions of one thing, the fullest first: its text, its signature, its name; after the last comes nothing.

    The shortest has priority `p`, each fuller one `step` less: with a large `step` everything gets its shortest version
    before anything gets a fuller one, with a small one each gets its fullest before the next comes in.

    Raises:
        TreeError: no versions, or a step that is not above 0.
    """
    if not versions or not step > 0:
        raise TreeError("fallback: takes versions, the fullest first, and a step above 0")
    last = len(versions) - 1
    return first(
        *(scope(each, p=p - step * (last - number), name=name, origin=origin) for number, each in enumerate(versions))
    )


def lines(
    source: str | Sequence[str],
    priority: Callable[[int], float] | Sequence[float],
    *,
    name: str = "",
    path: str = "",
    line: int = 1,
    marker: str = "",
    gap: int = 0,
) -> Lines:
    """Make a scope of each line (line ends kept) in one node, far cheaper than a scope a line.

    Args:
        source: a text, cut at line feeds, or its pieces in order.
        priority: the absolute priority of each, as a function of its 0-based number or as a sequence.
        name: of every line.
        path: where the lines come from.
        line: the 1-based number of the first line there.
        marker: stands before line number `gap` (0-based) while any line is left out.
        gap: where the marker stands.

    Raises:
        TreeError: there are not as many priorities as lines, or one is no priority.
    """
    texts = tuple(_lines_of(source) if isinstance(source, str) else source)
    levels = tuple(map(priority, range(len(texts))) if callable(priority) else priority)
    where = f"lines {name!r}" if name else "lines"
    if len(levels) != len(texts):
        raise TreeError(f"{where}: {len(texts)} lines and {len(levels)} priorities")
    if levels and not (set(map(type, levels)) <= {int, float} and -math.inf < min(levels) and max(levels) <= TOP):
        raise TreeError(f"{where}: a priority is a finite number, at most {TOP:.0f}")
    if levels and any(map(math.isnan, levels)):
        raise TreeError(f"{where}: a priority is a finite number, not nan")
    content: Content = "text" if any(texts) else ""
    return made(
        Lines, (), content, 0, texts=texts, priorities=levels, name=name, path=path, line=line, marker=marker, gap=gap
    )


def shortened(
    source: str,
    *,
    p: float,
    keep: Literal["start", "end", "ends"] = "ends",
    marker: str = "…\n",
    name: str = "",
    path: str = "",
    line: int = 1,
) -> Lines:
    """Make a text that gives way a line at a time: its middle goes first, or its end, or its start.

    Its lines have priorities in (p - 1, p]. Where lines are left out `marker` stands in their place.

    Raises:
        TreeError: `keep` is none of the three.
    """
    texts = _lines_of(source)
    count = len(texts)
    reach: Sequence[int]
    if keep == "start":
        reach, gap = range(count), count
    elif keep == "end":
        reach, gap = range(count - 1, -1, -1), 0
    elif keep == "ends":
        gap = (count + 1) // 2
        reach = [*range(0, 2 * gap, 2), *range(2 * (count - gap) - 1, 0, -2)]
    else:
        raise TreeError(f'shortened: keep is "start", "end" or "ends", not {keep!r}')
    levels = [p - each / (count + 1) for each in reach]
    return lines(texts, levels, name=name, path=path, line=line, marker=marker, gap=gap)


def isolate(*children: Child, limit: int | str | Limit) -> Isolate:
    """Render children to their own limit, with priorities of their own; the result is fixed.

    `limit` is in tokens or relative to the budget around: "50%", "100% - 200", "rest - 100" (of what the always shown
    parts leave). An isolate that cannot be brought below its limit makes every prompt that shows it too big.

    Raises:
        TreeError: the limit is none, or isolates are nested too deep.
    """
    checked = limit_of(limit, "isolate")
    nodes, content, isolates = adopt("isolate", children)
    if isolates >= _DEEPEST_ISOLATE:
        raise TreeError(f"isolate: nested more than {_DEEPEST_ISOLATE} deep")
    return made(Isolate, nodes, content, isolates + 1, limit=checked)


def capped(*children: Child, limit: int | str | Limit) -> Capped:
    """Let children take part in the search of the whole prompt, but with at most `limit` of it (as in `isolate`).

    Raises:
        TreeError: the limit is none, or it is nested too deep.
    """
    checked = limit_of(limit, "capped")
    nodes, content, isolates = adopt("capped", children)
    if isolates >= _DEEPEST_ISOLATE:
        raise TreeError(f"capped: nested more than {_DEEPEST_ISOLATE} deep")
    return made(Capped, nodes, content, isolates + 1, limit=checked)


def reserve(tokens: int) -> Reserve:
    """Keep tokens of the budget free for the answer; in a scope the reserve disappears with the scope.

    Raises:
        TreeError: not a whole number of tokens.
    """
    if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 0:
        raise TreeError(f"reserve: takes a whole number of tokens, not {tokens!r}")
    return made(Reserve, (), "", 0, tokens=tokens)


def system(*children: Child, name: str = "") -> Message:
    """Make a system message."""
    return _message("system", children, name=name)


def user(*children: Child, name: str = "") -> Message:
    """Make a user's message."""
    return _message("user", children, name=name)


def assistant(*children: Child, name: str = "", calls: Sequence[ToolCall] = ()) -> Message:
    """Make a message of the model's, with the calls of tools that it made."""
    return _message("assistant", children, name=name, calls=tuple(calls))


def tool(*children: Child, call_id: str, name: str = "") -> Message:
    """Make the result of a tool call."""
    return _message("tool", children, name=name, call_id=call_id)


def tools(*definitions: ToolDefinition) -> Tools:
    """Offer tools; their definitions count, and stand beside the messages."""
    return made(Tools, (), "messages", 0, definitions=definitions)


def image(
    data: bytes, *, width: int, height: int, mime: str = "image/png", detail: Literal["low", "high"] = "high"
) -> Image:
    """Put an image into a user's message.

    Raises:
        TreeError: it has no size.
    """
    if width <= 0 or height <= 0:
        raise TreeError(f"image: {width} by {height} pixels is no size")
    return made(Image, (), "text", 0, data=data, width=width, height=height, mime=mime, detail=detail)


def line_break() -> Text:
    """Make a line feed."""
    return text("\n")


def token_break() -> TokenBreak:
    """Let no token lie across this place of a raw prompt: its tokens are those of the pieces, one after the other."""
    return made(TokenBreak, (), "text", 0)


def cache_point() -> CachePoint:
    """Mark the end of what a provider should keep in its prefix cache, for those that must be told."""
    return made(CachePoint, (), "", 0)


def _message(
    role: Role,
    children: tuple[Child, ...],
    *,
    name: str = "",
    calls: tuple[ToolCall, ...] = (),
    call_id: str = "",
) -> Message:
    where = f"{role} message"
    nodes = tuple(flatten(where, children))
    if any(node.content == "messages" for node in nodes):
        raise TreeError(f"{path_to(where, nodes, 'messages')}: a message cannot stand inside a message")
    if role != "user":
        stray = next((node for node in nodes if isinstance(node, Image)), None)
        if stray is not None:
            raise TreeError(f"{where}: an image can only stand in a user's message")
    nodes, _, isolates = adopt(where, nodes)
    return made(Message, nodes, "messages", isolates, role=role, name=name, calls=calls, call_id=call_id)


def _lines_of(source: str) -> list[str]:
    pieces = source.split("\n")
    made = [f"{piece}\n" for piece in pieces[:-1]]
    return [*made, pieces[-1]] if pieces[-1] else made
