"""What a definition is called, for the grammars in which it takes more than reading a `name` field."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

_LIFETIME = re.compile(r"'\w+\s*")
_DOTTED = re.compile(r"[^\W\d][\w$!?]*(?:\s*(?:::|\.|\\|->)\s*[^\W\d][\w$!?]*)*")
_SEPARATOR = re.compile(r"\s*(?:::|\\|->|\.)\s*")

FUNCTION_VALUES = frozenset(
    {"arrow_function", "function_expression", "function", "generator_function", "function_definition"}
)
_ELIXIR = {
    "defmodule": "class",
    "defprotocol": "type",
    "defimpl": "holder",
    "def": "function",
    "defp": "function",
    "defmacro": "function",
    "defmacrop": "function",
    "defguard": "function",
    "defguardp": "function",
    "defdelegate": "function",
}


def text_of(node: "Node | None") -> str:
    """The text of a node, "" for none."""
    return node.text.decode("utf-8", "replace") if node is not None and node.text is not None else ""


def dotted(text: str) -> str:
    r"""The first name in a text with its parts between dots: `A::B<T>` and `\A\B` are both "A.B"."""
    match = _DOTTED.search(_LIFETIME.sub("", text) if "'" in text else text)
    return _SEPARATOR.sub(".", match.group()) if match else ""


def field(node: "Node", *fields: str) -> "Node | None":
    """Follow fields from a node: the node at the end, or None when one of them is missing."""
    found: Node | None = node
    for name in fields:
        found = found.child_by_field_name(name) if found is not None else None
    return found


def first(node: "Node", *kinds: str) -> "Node | None":
    """The first child of one of some types."""
    return next((child for child in node.named_children if child.type in kinds), None)


def plain(node: "Node") -> str:
    """The `name` field; operators and destructors are no dotted names and are taken as they are."""
    text = text_of(node.child_by_field_name("name"))
    return text if text.isidentifier() else dotted(text) or text[:80]


def declared(node: "Node") -> str:
    """C and C++: the name deep inside declarators, `int *(A::f)(int)` being "A.f"."""
    inner = field(node, "declarator")
    while inner is not None and inner.type not in ("identifier", "field_identifier", "type_identifier"):
        if inner.type in (
            "qualified_identifier",
            "destructor_name",
            "operator_name",
            "template_function",
            "operator_cast",
        ):
            break
        below = field(inner, "declarator")
        inner = below if below is not None else (inner.named_children[-1] if inner.named_children else None)
    text = re.sub(r"<[^<>]*>", "", text_of(inner))
    if inner is not None and ("operator" in text or "~" in text):
        return _SEPARATOR.sub(".", " ".join(text.split()))[:80]
    return dotted(text)


def embodied(node: "Node") -> str:
    """C and C++: the name of a class, struct or enum that is defined here, "" where it is only spoken of."""
    return plain(node) if field(node, "body") is not None else ""


def is_extension(node: "Node") -> bool:
    """Swift: whether a class-like declaration adds to a type that is defined elsewhere."""
    return text_of(field(node, "declaration_kind")) == "extension"


def assigned(node: "Node") -> str:
    """JavaScript and TypeScript: the name that a function value gets from its variable, property or assignment."""
    value = field(node, "value") or field(node, "right")
    if value is None or value.type not in FUNCTION_VALUES:
        return ""
    target = field(node, "name") or field(node, "property") or field(node, "key") or field(node, "left")
    name = dotted(text_of(target).strip("\"'`#"))
    name = name.removeprefix("module.exports.").removeprefix("exports.").removeprefix("this.")
    return name.replace(".prototype.", ".")


def lua_assigned(node: "Node") -> str:
    """Lua: `M.f = function() end`, one name and one value."""
    if node.type == "field":
        value, target = field(node, "value"), field(node, "name")
    else:
        variables, values = first(node, "variable_list"), first(node, "expression_list")
        target = field(variables, "name") if variables is not None else None
        value = field(values, "value") if values is not None else None
    return _colons(target) if value is not None and value.type == "function_definition" else ""


def lua_function(node: "Node") -> str:
    """Lua: `function M.a:b()` is "M.a.b"."""
    return _colons(field(node, "name"))


def _colons(node: "Node | None") -> str:
    return dotted(text_of(node).replace(":", "."))


def go_method(node: "Node") -> str:
    """Go: the receiver's type and the method's name."""
    receiver = field(node, "receiver")
    parameter = first(receiver, "parameter_declaration") if receiver is not None else None
    kind = dotted(text_of(field(parameter, "type")).lstrip("*(")) if parameter is not None else ""
    return f"{kind}.{plain(node)}" if kind else plain(node)


def impl(node: "Node") -> str:
    """Rust: the type that an impl block is for."""
    return dotted(text_of(field(node, "type")).removeprefix("&").removeprefix("dyn "))


def created(node: "Node") -> str:
    """SQL: what a `create` statement names."""
    return dotted(text_of(first(node, "object_reference")).replace('"', "").replace("`", ""))


def type_alias(node: "Node") -> str:
    """Python: what stands on the left of a `type` statement."""
    return dotted(text_of(field(node, "left")))


def kotlin_alias(node: "Node") -> str:
    """Kotlin: the name of a type alias stands in its `type` field."""
    return text_of(field(node, "type"))


def toml_table(node: "Node") -> str:
    """TOML: the key between the brackets."""
    return text_of(first(node, "dotted_key", "bare_key", "quoted_key"))


def heading(node: "Node") -> str:
    """Markdown: the text of the heading that opens a section."""
    title = first(node, "atx_heading", "setext_heading")
    return " ".join(text_of(field(title, "heading_content")).split())[:80] if title is not None else ""


def haskell_function(node: "Node") -> str:
    """Haskell: functions, and operators between their brackets."""
    return text_of(field(node, "name")).strip("() ")


def elixir(node: "Node") -> tuple[str, str]:
    """Elixir: definitions are calls of macros. (kind, name), both "" for any other call."""
    target = field(node, "target")
    kind = _ELIXIR.get(text_of(target)) if target is not None and target.type == "identifier" else None
    arguments = first(node, "arguments")
    if kind is None or arguments is None or not arguments.named_children:
        return "", ""
    head = arguments.named_children[0]
    if head.type == "binary_operator" and kind == "function":  # def f(x) when guard
        head = field(head, "left") or head
    if head.type == "call" and kind == "function":
        head = field(head, "target") or head
    return kind, dotted(text_of(head))
