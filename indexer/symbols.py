"""The definitions of a file: functions, methods, classes, types and modules, with the lines they take."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kibitz.indexer import names
from kibitz.indexer.syntax import last_row, place

if TYPE_CHECKING:
    from tree_sitter import Node

# Inside a function only what is this long is searched for further definitions: a callback of three lines has none
# that anybody would look for, while a factory or a test suite may hold whole classes.
_DEEP_BYTES = 1_500
_MAX_DEPTH = 200


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition and the lines it takes, with the comments and decorators above it (0-based, end not included).

    `path` is its dotted name within the file, `name` the last part of it, or "" for what holds definitions and is
    itself defined elsewhere (a Rust impl, a Swift extension).
    """

    name: str
    kind: str
    path: str
    start: int
    end: int


def _kinds(**kinds: str) -> dict[str, str]:
    return {node: kind for kind, nodes in kinds.items() for node in nodes.split()}


_SCRIPT = _kinds(
    function="function_declaration generator_function_declaration function_signature method_definition "
    "method_signature abstract_method_signature variable_declarator assignment_expression pair field_definition "
    "public_field_definition",
    **{"class": "class_declaration abstract_class_declaration class"},
    type="interface_declaration type_alias_declaration enum_declaration",
    module="internal_module module",
)
_C = _kinds(
    function="function_definition preproc_function_def",
    **{"class": "class_specifier struct_specifier union_specifier"},
    type="enum_specifier type_definition alias_declaration concept_definition",
    namespace="namespace_definition",
)

# Node types to kinds. Two more kinds are known here only: a "holder" gives its name to what is in it but defines
# nothing, a "namespace" does not even do that, since it only repeats where the file lies.
KINDS: dict[str, dict[str, str]] = {
    "python": _kinds(function="function_definition", type="type_alias_statement", **{"class": "class_definition"}),
    "javascript": _SCRIPT,
    "typescript": _SCRIPT,
    "go": _kinds(function="function_declaration method_declaration", type="type_spec type_alias"),
    "rust": _kinds(
        function="function_item function_signature_item macro_definition",
        type="struct_item enum_item union_item trait_item type_item",
        module="mod_item",
        holder="impl_item",
    ),
    "java": _kinds(
        function="method_declaration constructor_declaration compact_constructor_declaration",
        type="interface_declaration enum_declaration annotation_type_declaration",
        **{"class": "class_declaration record_declaration"},
    ),
    "c": _C,
    "cpp": _C,
    "c-sharp": _kinds(
        function="method_declaration constructor_declaration local_function_statement",
        type="interface_declaration enum_declaration delegate_declaration",
        namespace="namespace_declaration file_scoped_namespace_declaration",
        **{"class": "class_declaration struct_declaration record_declaration record_struct_declaration"},
    ),
    "ruby": _kinds(function="method singleton_method", module="module", **{"class": "class"}),
    "php": _kinds(
        function="function_definition method_declaration",
        type="interface_declaration trait_declaration enum_declaration",
        namespace="namespace_definition",
        **{"class": "class_declaration"},
    ),
    "bash": _kinds(function="function_definition"),
    "kotlin": _kinds(
        function="function_declaration", type="type_alias", **{"class": "class_declaration object_declaration"}
    ),
    "swift": _kinds(
        function="function_declaration protocol_function_declaration init_declaration",
        type="protocol_declaration typealias_declaration",
        **{"class": "class_declaration"},
    ),
    "scala": _kinds(
        function="function_definition function_declaration",
        type="trait_definition enum_definition type_definition given_definition",
        **{"class": "class_definition object_definition package_object"},
    ),
    "lua": _kinds(function="function_declaration assignment_statement field"),
    "sql": _kinds(
        function="create_function create_procedure create_trigger",
        type="create_table create_view create_materialized_view create_type",
    ),
    "toml": _kinds(section="table table_array_element"),
    "markdown": _kinds(section="section"),
    "haskell": _kinds(
        function="function bind signature",
        type="data_type newtype type_synonym type_synomym type_family data_family class",
        holder="instance",
    ),
    "elixir": _kinds(function="call"),
}

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


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the walk is: the node, the line that it starts on with its comments, and what it stands in."""

    node: "Node"
    start: int
    path: str
    owner: str
    depth: int


def definitions(root: "Node", language: str) -> list[Definition]:
    """All definitions below a syntax tree's root, in the order in which they begin, outer ones first."""
    kinds = KINDS.get(language)
    if not kinds:
        return []
    found: list[Definition] = []
    waiting = [_Place(root, 0, "", "", 0)]
    while waiting:
        at = waiting.pop()
        inside = at
        if (read := _read(at.node, kinds, language)) is not None:
            kind, name = read
            # A Rust impl names the types that its trait wants: those are no definitions that anybody looks for.
            if kind != "namespace" and not (kind == "type" and at.owner == "holder"):
                path = f"{at.path}{_SEPARATORS.get(language, '.')}{name}" if at.path else name
                if kind == "function" and (at.owner in _HOLDING or "." in name):
                    kind = "method"
                found.append(_define(at, kind, path))
                inside = replace(at, path=path, owner=kind)
        waiting.extend(reversed(list(_below(inside))))
    found.sort(key=lambda one: (one.start, -one.end))
    return _join_clauses(found) if language in _CLAUSED else found


def _define(at: _Place, kind: str, path: str) -> Definition:
    name = "" if kind in ("holder", "section") else path.rpartition(".")[2]
    return Definition(name, kind, path, at.start, last_row(at.node) + 1)


def _below(at: _Place) -> Iterator[_Place]:
    """The children to look at: all of them, but below a function only those of something long."""
    node = at.node
    if at.depth == _MAX_DEPTH or node.child_count == 0:
        return
    if at.owner in ("function", "method") and node.end_byte - node.start_byte < _DEEP_BYTES:
        return
    row = node.start_point[0]
    for child, start, _ in place([node]):
        # What begins on its parent's line, or below a wrapper's, owns the comments above that parent.
        own = at.start if child.start_point[0] == row or node.type in _WRAPPERS else start
        yield _Place(child, own, at.path, at.owner, at.depth + 1)


_WRAPPERS = frozenset({"decorated_definition", "template_declaration", "export_statement", "ambient_declaration"})


def _read(node: "Node", kinds: dict[str, str], language: str) -> tuple[str, str] | None:
    """(kind, dotted name) of what a node defines; None when it defines nothing that has a name."""
    kind = kinds.get(node.type)
    if kind is None:
        return None
    if language == "elixir":
        return names.elixir(node)
    if language == "swift" and names.is_extension(node):
        kind = "holder"
    name = _NAMERS.get(language, {}).get(node.type, names.plain)(node)
    return (kind, name) if name else None


def _join_clauses(found: list[Definition]) -> list[Definition]:
    joined: list[Definition] = []
    for one in found:
        last = joined[-1] if joined else None
        if last is not None and last.path == one.path and last.kind == one.kind and one.kind in ("function", "method"):
            joined[-1] = replace(last, end=max(last.end, one.end))
        else:
            joined.append(one)
    return joined
