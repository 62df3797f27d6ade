"""What the syntax node of a definition tells: its name, its owner, its documentation and where it ends."""

import tree_sitter as ts

_NEEDS_BODY = {
    "variable_declarator": ("arrow_function", "function_expression", "class", "function"),
    "assignment_statement": ("function_definition",),
    "field_declaration": ("function_declarator",),
}
_ELIXIR = {"def", "defp", "defmacro", "defmodule", "defprotocol", "defguard"}


def text_of(node: ts.Node | None) -> str:
    """The source of a node; "" where there is none."""
    return node.text.decode("utf-8", "replace") if node is not None and node.text else ""


def name_of(node: ts.Node) -> str:
    """The name that a definition gives; "" where it gives none."""
    named = node.child_by_field_name("name")
    if node.type == "type_declaration":
        spec = next((child for child in node.named_children if child.type == "type_spec"), None)
        return text_of(spec.child_by_field_name("name")) if spec else ""
    if named is None:
        inner = node.child_by_field_name("declarator")
        while inner is not None:
            named, inner = inner, inner.child_by_field_name("declarator")
    if named is None and node.type == "assignment_statement":
        named = node.named_children[0]
    if named is None and node.type == "call":
        arguments = next((child for child in node.named_children if child.type == "arguments"), None)
        named = arguments.named_children[0] if arguments is not None and arguments.named_children else None
    return text_of(named).split("(")[0].strip()[:80]


def is_wanted(node: ts.Node) -> bool:
    """Whether a node of a definition's type is one: a variable with a function in it, a structure with a body."""
    needed = _NEEDS_BODY.get(node.type)
    if needed is not None:
        inner = [child.type for child in node.named_children]
        inner += [grand.type for child in node.named_children for grand in child.named_children]
        return any(kind in needed for kind in inner)
    if node.type == "call":
        return text_of(node.child_by_field_name("target")) in _ELIXIR
    if node.type.endswith("_specifier"):
        return node.child_by_field_name("body") is not None
    return True


def docstring_of(node: ts.Node) -> ts.Node | None:
    """The string that a Python definition begins with."""
    body = node.child_by_field_name("body")
    first = body.named_children[0] if body is not None and body.named_children else None
    if first is not None and first.type == "expression_statement" and first.named_children:
        first = first.named_children[0]
    return first if first is not None and first.type == "string" else None


def owner_of(node: ts.Node) -> str:
    """The name of what a definition stands in, for instance its class; "" where it is near no such thing."""
    parent = node.parent
    for _ in range(4):
        if parent is None:
            return ""
        named = parent.child_by_field_name("type" if parent.type == "impl_item" else "name")
        if named is not None and parent.type != "variable_declarator":
            return text_of(named)[:60]
        parent = parent.parent
    return ""


def last_row(node: ts.Node, language: str) -> int:
    """Last line of a definition; a Haskell signature is followed by its equations."""
    end = node
    if language == "haskell" and node.type == "signature":
        sibling = node.next_named_sibling
        while sibling is not None and ("pragma" in sibling.type or name_of(sibling) == name_of(node)):
            end, sibling = sibling, sibling.next_named_sibling
    return end.end_point.row
