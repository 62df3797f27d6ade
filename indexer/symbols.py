"""The definitions of a file: functions, methods, classes, types and modules, with the lines they take."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from kibitz.indexer import names
from kibitz.indexer.kinds import KINDS
from kibitz.indexer.syntax import Leads, last_row

if TYPE_CHECKING:
    from tree_sitter import Node

# Inside a function only what is this long is searched for further definitions: a callback of three lines has none
# that anybody would look for, while a factory or a test suite may hold whole classes.
_DEEP_BYTES = 1_500
_MAX_DEPTH = 200


class Definition(NamedTuple):
    """A definition and the lines it takes, with the comments and decorators above it (0-based, end not included).

    `path` is its dotted name within the file, `name` the last part of it, or "" for what holds definitions and is
    itself defined elsewhere (a Rust impl, a Swift extension). `row` is the line where it begins itself.
    """

    name: str
    kind: str
    path: str
    start: int
    end: int
    row: int


Namer = Callable[["Node"], str]

_SCRIPT_NAMERS: dict[str, Namer] = dict.fromkeys(
    ("variable_declarator", "assignment_expression", "pair", "field_definition", "public_field_definition"),
    names.assigned,
)
_C_NAMERS: dict[str, Namer] = {
    "function_definition": names.declared,
    "type_definition": names.declared,
    "class_specifier": names.embodied,
    "struct_specifier": names.embodied,
    "union_specifier": names.embodied,
    "enum_specifier": names.embodied,
}

_NAMERS: dict[str, dict[str, Namer]] = {
    "python": {"type_alias_statement": names.type_alias},
    "javascript": _SCRIPT_NAMERS,
    "typescript": _SCRIPT_NAMERS,
    "go": {"method_declaration": names.go_method},
    "rust": {"impl_item": names.impl},
    "c": _C_NAMERS,
    "cpp": _C_NAMERS,
    "kotlin": {"type_alias": names.kotlin_alias},
    "swift": {"init_declaration": lambda node: "init"},
    "lua": {
        "function_declaration": names.lua_function,
        "assignment_statement": names.lua_assigned,
        "field": names.lua_assigned,
    },
    "sql": dict.fromkeys(KINDS["sql"], names.created),
    "toml": dict.fromkeys(KINDS["toml"], names.toml_table),
    "markdown": {"section": names.heading},
    "haskell": {kind: names.haskell_function for kind in ("function", "bind", "signature")},
}

# What may write one function as several definitions in a row: a signature and equations, or clauses.
_CLAUSED = frozenset({"haskell", "elixir"})
_SEPARATORS = {"markdown": " > "}
_HOLDING = frozenset({"class", "type", "holder"})
_FUNCTIONS = frozenset({"function", "method"})


class _Inside:
    """A function, as what is searched for further definitions: only the children of what is long in it are seen."""

    def __init__(self, function: "Node") -> None:
        self._function = function
        self._seen: set[int] = set()

    def shows(self, node: "Node") -> bool:
        """Whether the node, which is somewhere in the function, is a child of something long."""
        if not self._seen:
            waiting = [self._function]
            while waiting:
                inner = waiting.pop()
                if inner.end_byte - inner.start_byte >= _DEEP_BYTES:
                    children = inner.children
                    self._seen.update([child.id for child in children])
                    waiting.extend(children)
            self._seen.add(0)  # looked at, even if there is nothing
        return node.id in self._seen


class _Open(NamedTuple):
    """A definition that has begun and not ended yet; `inside` is the outermost function that it is in or is itself."""

    end_byte: int
    kind: str
    path: str
    inside: _Inside | None


_NOWHERE = _Open(0, "", "", None)


def definitions(nodes: "Iterable[Node]", leads: Leads, language: str) -> list[Definition]:
    """The definitions among the captured nodes, in the order in which they begin, outer ones first."""
    kinds = KINDS.get(language, {})
    namers = _NAMERS.get(language, {})
    separator = _SEPARATORS.get(language, ".")
    found: list[Definition] = []
    around: list[_Open] = []  # outer ones first
    # Outer ones first; two nodes in the same place do not get compared, thanks to their numbers.
    for start, end, _, node in sorted([(one.start_byte, -one.end_byte, at, one) for at, one in enumerate(nodes)]):
        while around and around[-1].end_byte <= start:
            around.pop()
        holder = around[-1] if around else _NOWHERE
        if len(around) == _MAX_DEPTH or (
            holder.kind in _FUNCTIONS and holder.inside is not None and not holder.inside.shows(node)
        ):
            continue
        kind, name = _read(node, kinds, namers, language)
        # A Rust impl names the types that its trait wants: those are no definitions that anybody looks for.
        if not name or kind == "namespace" or (kind == "type" and holder.kind == "holder"):
            continue
        path = f"{holder.path}{separator}{name}" if holder.path else name
        if kind == "function" and (holder.kind in _HOLDING or "." in name):
            kind = "method"
        last = "" if kind in ("holder", "section") else path.rpartition(".")[2]
        row, column = node.start_point
        found.append(Definition(last, kind, path, leads.first_row(row, column), last_row(node) + 1, row))
        inside = holder.inside or (_Inside(node) if kind in _FUNCTIONS else None)
        around.append(_Open(-end, kind, path, inside))
    found.sort(key=lambda one: (one.start, -one.end))
    return _join_clauses(found) if language in _CLAUSED else found


def _read(node: "Node", kinds: dict[str, str], namers: dict[str, Namer], language: str) -> tuple[str, str]:
    """(kind, dotted name) of what a node defines; the name is "" when it defines nothing that has one."""
    if language == "elixir":
        return names.elixir(node)
    type_ = node.type
    kind = kinds[type_]
    if language == "swift" and names.is_extension(node):
        kind = "holder"
    return kind, namers.get(type_, names.plain)(node)


def _join_clauses(found: list[Definition]) -> list[Definition]:
    joined: list[Definition] = []
    for one in found:
        last = joined[-1] if joined else None
        if last is not None and last.path == one.path and last.kind == one.kind and one.kind in _FUNCTIONS:
            joined[-1] = last._replace(end=max(last.end, one.end))
        else:
            joined.append(one)
    return joined
