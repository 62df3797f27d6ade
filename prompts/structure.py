"""A prompt's tree as JSON's own types, and back.

The nodes stand in one list, each after its children, which it names by their numbers: so depth costs no stack, neither
here nor in a JSON parser. What is read is checked before anything is made of it; nothing in it is ever executed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kibitz.prompts import nodes
from kibitz.prompts.errors import DumpError, TreeError
from kibitz.prompts.limits import Limit
from kibitz.prompts.tree import (
    CachePoint,
    Capped,
    First,
    Image,
    Isolate,
    Lines,
    Message,
    Node,
    Reserve,
    Scope,
    Text,
    TokenBreak,
    ToolCall,
    ToolDefinition,
    Tools,
)

Flat = dict[str, Any]

_DEEPEST = 1_000
_LARGEST = 10**9
_EXTREME = 1e300  # of priorities
_DEEPEST_SCHEMA = 100


def flatten(tree: Node) -> list[Flat]:
    """Make a list of a tree's nodes, the root last. The data of images is left out: rendering does not look at it.

    Raises:
        DumpError: the tree is deeper than a thousand nodes, or holds something that is no node of a prompt.
    """
    made: list[Flat] = []
    stack: list[tuple[Node, Iterator[Node], list[int]]] = [(tree, iter(tree.children), [])]
    while stack:
        node, children, numbers = stack[-1]
        child = next(children, None)
        if child is not None:
            if len(stack) >= _DEEPEST:
                raise DumpError(f"A prompt deeper than {_DEEPEST:,} nodes cannot be dumped.")
            stack.append((child, iter(child.children), []))
            continue
        stack.pop()
        flat = _flat(node)
        made.append({**flat, "children": numbers} if numbers else flat)
        if stack:
            stack[-1][2].append(len(made) - 1)
    return made


def rebuild(flat: object) -> Node:
    """Make the tree that `flatten` took apart.

    Raises:
        DumpError: it is nothing that `flatten` made; the message names the node.
    """
    if not isinstance(flat, list) or not flat:
        raise DumpError("the nodes are no list")
    made: list[Node] = []
    depths: list[int] = []
    free: set[int] = set()
    for number, each in enumerate(flat):
        try:
            if not isinstance(each, dict):
                raise DumpError("no object")
            children = _children(each.get("children", []), free)
            depths.append(1 + max((depths[child] for child in children), default=0))
            if depths[-1] > _DEEPEST:
                raise DumpError(f"deeper than {_DEEPEST:,} nodes")
            made.append(_node(each, [made[child] for child in children]))
        except (DumpError, TreeError) as error:
            raise DumpError(f"node {number}: {error}") from None
        free.add(number)
    if free != {len(made) - 1}:
        raise DumpError("a node stands in no other")
    return made[-1]


def _children(numbers: object, free: set[int]) -> list[int]:
    if not isinstance(numbers, list):
        raise DumpError("children is no list")
    for number in numbers:
        if type(number) is not int or number not in free:
            raise DumpError("a child that does not stand before it, or stands in another node")
        free.remove(number)
    return numbers


# -- taking apart ------------------------------------------------------------------------------------------------------


def _flat(node: Node) -> Flat:
    """Return a node's kind and its fields, those that say nothing left out."""
    kind = type(node).__name__.lower()
    if kind not in _MAKERS:
        raise DumpError(f"{node.label()}: not a node that can be dumped")
    fields = {name: _plain(getattr(node, name)) for name in type(node).__slots__ if name not in _UNSEEN}
    return {"kind": kind, **{name: value for name, value in fields.items() if value not in (None, "", [])}}


_UNSEEN = ("data",)


def _plain(value: Any) -> Any:
    if isinstance(value, Limit):
        return {"tokens": value.tokens, "share": value.share, "rest": value.rest, "minus": value.minus}
    if isinstance(value, ToolCall):
        return {"id": value.id, "name": value.name, "arguments": value.arguments}
    if isinstance(value, ToolDefinition):
        return {"name": value.name, "description": value.description, "parameters": dict(value.parameters)}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


# -- making anew -------------------------------------------------------------------------------------------------------


class _Fields:
    """The fields of one object, each taken with its type; none may be left."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = {name: value for name, value in fields.items() if name not in ("kind", "children")}

    def text(self, name: str) -> str:
        value = self.fields.pop(name, "")
        if not isinstance(value, str):
            raise DumpError(f"{name} is no text")
        return value

    def texts(self, name: str) -> list[str]:
        return [_Fields({name: each}).text(name) for each in self.many(name)]

    def number(self, name: str) -> float | None:
        value: object = self.fields.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= _EXTREME:
            raise DumpError(f"{name} is no number that can be a priority")
        return value

    def numbers(self, name: str) -> list[float]:
        return [value for each in self.many(name) if (value := _Fields({name: each}).number(name)) is not None]

    def whole(self, name: str, default: int = 0) -> int:
        value = self.fields.pop(name, default)
        if type(value) is not int or abs(value) > _LARGEST:
            raise DumpError(f"{name} is no whole number up to {_LARGEST:,}")
        return value

    def many(self, name: str) -> list[Any]:
        value = self.fields.pop(name, [])
        if not isinstance(value, list):
            raise DumpError(f"{name} is no list")
        return value

    def inner(self, name: str) -> "_Fields":
        value = self.fields.pop(name, {})
        if not isinstance(value, dict):
            raise DumpError(f"{name} is no object")
        return _Fields({f"{key}": each for key, each in value.items()})

    def done(self) -> None:
        if self.fields:
            raise DumpError(f"{next(iter(self.fields))[:40]!r} is no field of it")


def _node(flat: Mapping[str, Any], children: Sequence[Node]) -> Node:
    maker = _MAKERS.get(kind) if isinstance(kind := flat.get("kind"), str) else None
    if maker is None:
        raise DumpError("of no kind that there is")
    if children and kind not in _HOLDERS:
        raise DumpError(f"nothing can stand in a node of the kind {kind}")
    fields = _Fields(flat)
    node = maker(fields, children)
    fields.done()
    return node


def _scope(of: _Fields, children: Sequence[Node]) -> Node:
    p, prel = of.number("p"), of.number("prel")
    return nodes.scope(*children, p=p, prel=prel, name=of.text("name"), origin=of.text("origin"), key=of.text("key"))


def _lines(of: _Fields, _: Sequence[Node]) -> Node:
    return nodes.lines(
        of.texts("texts"),
        of.numbers("priorities"),
        name=of.text("name"),
        path=of.text("path"),
        line=of.whole("line"),
        marker=of.text("marker"),
        gap=of.whole("gap"),
    )


def _limit(of: _Fields) -> Limit:
    inner = of.inner("limit")
    share, rest = inner.number("share") or 0.0, inner.fields.pop("rest", False)
    limit = Limit(inner.whole("tokens"), share, rest, inner.whole("minus"))
    inner.done()
    if not isinstance(rest, bool) or not 0 <= share <= 1 or limit.tokens < 0 or limit.minus < 0:
        raise DumpError("limit is none")
    return limit


def _message(of: _Fields, children: Sequence[Node]) -> Node:
    role, name, call_id = of.text("role"), of.text("name"), of.text("call_id")
    calls = [_call(_Fields(each if isinstance(each, dict) else {"": each})) for each in of.many("calls")]
    if role == "tool":
        return nodes.tool(*children, call_id=call_id, name=name)
    if role == "assistant":
        return nodes.assistant(*children, name=name, calls=calls)
    if role not in ("system", "user"):
        raise DumpError("a message of no role that there is")
    return (nodes.system if role == "system" else nodes.user)(*children, name=name)


def _call(of: _Fields) -> ToolCall:
    call = ToolCall(of.text("id"), of.text("name"), of.text("arguments"))
    of.done()
    return call


def _tools(of: _Fields, _: Sequence[Node]) -> Node:
    definitions = []
    for each in of.many("definitions"):
        inner = _Fields(each if isinstance(each, dict) else {"": each})
        parameters = inner.fields.pop("parameters", {})
        if not isinstance(parameters, dict) or _deep(parameters):
            raise DumpError(f"parameters is no object, or deeper than {_DEEPEST_SCHEMA}")
        definitions.append(ToolDefinition(inner.text("name"), inner.text("description"), parameters))
        inner.done()
    return nodes.tools(*definitions)


def _deep(value: object) -> bool:
    """Tell whether a schema is so deep that counting it could fail."""
    level = [value]
    for _ in range(_DEEPEST_SCHEMA):
        inner = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = [each for values in inner for each in values]
    return bool(level)


def _image(of: _Fields, _: Sequence[Node]) -> Node:
    detail = of.text("detail")
    if detail not in ("low", "high"):
        raise DumpError("detail is low or high")
    width, height, mime = of.whole("width"), of.whole("height"), of.text("mime")
    return nodes.image(b"", width=width, height=height, mime=mime, detail="low" if detail == "low" else "high")


_MAKERS: dict[str, Callable[[_Fields, Sequence[Node]], Node]] = {
    Text.__name__.lower(): lambda of, _: nodes.text(of.text("text")),
    Scope.__name__.lower(): _scope,
    First.__name__.lower(): lambda _, children: nodes.first(*children),
    Lines.__name__.lower(): _lines,
    Isolate.__name__.lower(): lambda of, children: nodes.isolate(*children, limit=_limit(of)),
    Capped.__name__.lower(): lambda of, children: nodes.capped(*children, limit=_limit(of)),
    Reserve.__name__.lower(): lambda of, _: nodes.reserve(of.whole("tokens")),
    Message.__name__.lower(): _message,
    Tools.__name__.lower(): _tools,
    Image.__name__.lower(): _image,
    TokenBreak.__name__.lower(): lambda _, __: nodes.token_break(),
    CachePoint.__name__.lower(): lambda _, __: nodes.cache_point(),
}
_HOLDERS = ("scope", "first", "isolate", "capped", "message")
