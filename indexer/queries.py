"""What is looked for in a syntax tree: tree-sitter queries for definitions, references and comments.

A query runs in C; only what it captures becomes an object here. Captures are named "definition", "lead" (what is
written above the thing that it belongs to), "wrapper" (a node that gives its first line to what it wraps), and by the
kinds of references. What is captured as "none" is no reference after all (`require` itself is no call that anybody
looks for), and a capture whose name begins with "_" only serves a predicate.
"""

from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING

from kibitz.indexer.kinds import KINDS
from kibitz.indexer.languages import grammar
from kibitz.indexer.names import FUNCTION_VALUES

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Query

# More half-matched patterns than this at once come from nesting beyond reason, which would take quadratic time.
_MATCH_LIMIT = 4_096

_LEADS = [
    "comment",
    "block_comment",
    "line_comment",
    "multiline_comment",
    "html_comment",
    "xml_comment",
    "js_comment",
    "decorator",
    "attribute_item",
    "attribute_list",
    "annotation",
    "marker_annotation",
    "haddock",
    "pragma",
    "marginalia",
    "access_specifier",
]
_WRAPPERS = ["decorated_definition", "template_declaration", "export_statement", "ambient_declaration"]

# Definitions that a node's type alone does not make: a function that is the value of something, a class with a body.
_VALUES = "[FUNCTIONS]"
_CONDITIONS: dict[str, str] = {
    "variable_declarator": f"(variable_declarator value: {_VALUES})",
    "assignment_expression": f"(assignment_expression right: {_VALUES})",
    "pair": f"(pair value: {_VALUES})",
    "field_definition": f"(field_definition value: {_VALUES})",
    "public_field_definition": f"(public_field_definition value: {_VALUES})",
    "class_specifier": "(class_specifier body: (_))",
    "struct_specifier": "(struct_specifier body: (_))",
    "union_specifier": "(union_specifier body: (_))",
    "enum_specifier": "(enum_specifier body: (_))",
    "assignment_statement": f"(assignment_statement (expression_list value: {_VALUES}))",
    "field": f"(field value: {_VALUES})",
    "call": "(call target: (identifier) (arguments))",
}

_SCRIPT = """
(call_expression function: (identifier) @call)
(call_expression function: (member_expression property: (_) @call))
(new_expression constructor: (identifier) @call)
(new_expression constructor: (member_expression property: (_) @call))
(import_statement source: (string (string_fragment) @import))
(export_statement source: (string (string_fragment) @import))
(import_specifier name: (_) @import)
(import_clause (identifier) @import)
((call_expression function: (identifier) @none arguments: (arguments . (string (string_fragment) @import)))
  (#eq? @none "require"))
"""
_TAGS = """
((jsx_opening_element name: (identifier) @use) (#match? @use "^[A-Z]"))
((jsx_self_closing_element name: (identifier) @use) (#match? @use "^[A-Z]"))
(jsx_opening_element name: (member_expression property: (_) @use))
(jsx_self_closing_element name: (member_expression property: (_) @use))
"""
_TYPESCRIPT = (
    _SCRIPT
    + """
(extends_clause value: (_) @inherit)
(implements_clause (_) @inherit)
(extends_type_clause type: (_) @inherit)
(import_require_clause source: (string (string_fragment) @import))
(type_identifier) @type
"""
)
_C = """
(call_expression function: (identifier) @call)
(call_expression function: (field_expression field: (_) @call))
(preproc_include path: (_) @import)
(type_identifier) @type
"""

REFERENCES: dict[str, str] = {
    "python": """
(call function: (identifier) @call)
(call function: (attribute attribute: (identifier) @call))
(decorator (identifier) @call)
(decorator (attribute attribute: (identifier) @call))
(import_statement name: (dotted_name) @import)
(import_statement name: (aliased_import name: (_) @import))
(import_from_statement module_name: (_) @import)
(import_from_statement name: (dotted_name) @import)
(import_from_statement name: (aliased_import name: (_) @import))
(class_definition superclasses: (argument_list [(identifier) (attribute)] @inherit))
(class_definition superclasses: (argument_list (subscript value: (_) @inherit)))
(type [(identifier) (attribute)] @type)
(type (binary_operator [(identifier) (attribute)] @type))
(type (subscript [(identifier) (attribute)] @type))
(type (generic_type (identifier) @type))
""",
    "javascript": _SCRIPT + "(class_heritage [(identifier) (member_expression)] @inherit)" + _TAGS,
    "typescript": _TYPESCRIPT,
    "tsx": _TYPESCRIPT + _TAGS,
    "go": """
(call_expression function: (identifier) @call)
(call_expression function: (selector_expression field: (_) @call))
(import_spec path: (_) @import)
(field_declaration !name type: (_) @inherit)
(type_elem (type_identifier) @type)
(type_identifier) @type
""",
    "rust": """
(call_expression function: [(identifier) (scoped_identifier)] @call)
(call_expression function: (field_expression field: (_) @call))
(call_expression function: (generic_function function: [(identifier) (scoped_identifier)] @call))
(call_expression function: (generic_function function: (field_expression field: (_) @call)))
(macro_invocation macro: (_) @call)
(use_declaration argument: [(identifier) (scoped_identifier)] @import)
(use_as_clause path: (_) @import)
(use_list [(identifier) (scoped_identifier)] @import)
(use_wildcard (_) @import)
(scoped_use_list path: (_) @import)
(impl_item trait: (_) @inherit)
(trait_item bounds: (trait_bounds (_) @inherit))
(type_identifier) @type
""",
    "java": """
(method_invocation name: (_) @call)
(object_creation_expression type: (_) @call)
(method_reference (_) (identifier) @call .)
(import_declaration [(identifier) (scoped_identifier)] @import)
(superclass (_) @inherit)
(super_interfaces (type_list (_) @inherit))
(extends_interfaces (type_list (_) @inherit))
(marker_annotation name: (_) @use)
(annotation name: (_) @use)
(type_identifier) @type
""",
    "c": _C,
    "cpp": _C
    + """
(call_expression function: (qualified_identifier) @call)
(call_expression function: (template_function name: (_) @call))
(new_expression type: (_) @call)
(using_declaration (qualified_identifier) @import)
(base_class_clause [(type_identifier) (qualified_identifier) (template_type)] @inherit)
""",
    "c-sharp": """
(invocation_expression function: [(identifier) (generic_name)] @call)
(invocation_expression function: (member_access_expression name: (_) @call))
(object_creation_expression type: (_) @call)
(using_directive !name [(identifier) (qualified_name)] @import)
(using_directive name: (_) [(identifier) (qualified_name)] @import .)
(base_list [(identifier) (generic_name) (qualified_name)] @inherit)
(base_list (primary_constructor_base_type type: (_) @inherit))
(attribute name: (_) @use)
(variable_declaration type: [(identifier) (generic_name) (qualified_name)] @type)
(parameter type: [(identifier) (generic_name) (qualified_name)] @type)
(property_declaration type: [(identifier) (generic_name) (qualified_name)] @type)
(method_declaration returns: [(identifier) (generic_name) (qualified_name)] @type)
(type_argument_list [(identifier) (generic_name) (qualified_name)] @type)
""",
    "ruby": """
(call method: (identifier) @call)
(superclass [(constant) (scope_resolution)] @inherit)
((call method: (identifier) @none arguments: (argument_list [(constant) (scope_resolution)] @inherit))
  (#any-of? @none "include" "extend" "prepend"))
((call method: (identifier) @none arguments: (argument_list . (string (string_content) @import)))
  (#any-of? @none "require" "require_relative" "load" "autoload"))
(call receiver: [(constant) (scope_resolution)] @use)
""",
    "php": """
(function_call_expression function: [(name) (qualified_name)] @call)
(member_call_expression name: (name) @call)
(nullsafe_member_call_expression name: (name) @call)
(scoped_call_expression name: (name) @call)
(scoped_call_expression scope: [(name) (qualified_name)] @use)
(object_creation_expression [(name) (qualified_name)] @call)
(namespace_use_clause . [(name) (qualified_name)] @import)
(require_expression (_ (string_content) @import))
(require_once_expression (_ (string_content) @import))
(include_expression (_ (string_content) @import))
(include_once_expression (_ (string_content) @import))
(base_clause [(name) (qualified_name)] @inherit)
(class_interface_clause [(name) (qualified_name)] @inherit)
(use_declaration [(name) (qualified_name)] @inherit)
(named_type (_) @type)
""",
    "bash": """
(command name: (command_name (word) @call))
((command name: (command_name (word) @none) . argument: (word) @import) (#any-of? @none "source" "."))
""",
    "html": """
((attribute (attribute_name) @_name (quoted_attribute_value (attribute_value) @import))
  (#any-of? @_name "src" "href"))
""",
    "css": """
(import_statement (string_value (string_content) @import))
(import_statement (call_expression (arguments (plain_value) @import)))
(import_statement (call_expression (arguments (string_value (string_content) @import))))
""",
    "kotlin": """
(call_expression . (identifier) @call)
(call_expression . (navigation_expression (identifier) @call .))
(import (qualified_identifier) @import)
(delegation_specifier (user_type) @inherit)
(delegation_specifier (constructor_invocation (user_type) @inherit))
(delegation_specifier (explicit_delegation (user_type) @inherit))
(annotation (user_type) @use)
(annotation (constructor_invocation (user_type) @use))
(user_type) @type
""",
    "swift": """
(call_expression . (simple_identifier) @call)
(call_expression . (navigation_expression suffix: (navigation_suffix suffix: (simple_identifier) @call)))
(import_declaration (identifier) @import)
(inheritance_specifier inherits_from: (_) @inherit)
(user_type) @type
""",
    "scala": """
(call_expression function: (identifier) @call)
(call_expression function: (field_expression field: (_) @call))
(call_expression function: (generic_function function: (identifier) @call))
(call_expression function: (generic_function function: (field_expression field: (_) @call)))
(instance_expression [(type_identifier) (generic_type)] @call)
(import_declaration) @import
(extends_clause [(type_identifier) (generic_type) (stable_type_identifier)] @inherit)
(type_identifier) @type
""",
    "lua": """
(function_call name: (identifier) @call)
(function_call name: (dot_index_expression field: (_) @call))
(function_call name: (method_index_expression method: (_) @call))
((function_call name: (identifier) @none arguments: (arguments . (string content: (_) @import)))
  (#any-of? @none "require" "dofile" "loadfile"))
""",
    "sql": """
(invocation (object_reference) @call)
(relation (object_reference) @use)
(from (object_reference) @use)
(insert (object_reference) @use)
(column_definition (object_reference) @use)
""",
    "haskell": """
(apply function: (variable) @call)
(apply function: (qualified id: (variable) @call))
(infix left_operand: (variable) @call)
(infix right_operand: (variable) @call)
(import module: (_) @import)
(import_name [(variable) (name)] @import)
(instance name: (_) @inherit)
(signature type: (name) @type)
(function parameter: (name) @type)
(function result: (name) @type)
(apply constructor: (name) @type)
(apply constructor: (qualified id: (name) @type))
""",
    "elixir": """
(call target: (identifier) @call)
(call target: (dot right: (identifier) @call))
(call target: (dot left: (alias) @use))
(struct (alias) @type)
((call target: (identifier) @none) (#match? @none "^def"))
((call target: (identifier) @_def (arguments . (call target: (identifier) @none))) (#match? @_def "^def"))
((call target: (identifier) @_def (arguments . (binary_operator left: (call target: (identifier) @none))))
  (#match? @_def "^def"))
((call target: (identifier) @none (arguments . [(alias) (dot left: (alias))] @import))
  (#any-of? @none "import" "alias" "require"))
((call target: (identifier) @none (arguments . (alias) @inherit)) (#any-of? @none "use" "behaviour"))
((call target: (identifier) @_def (arguments . (alias) @inherit)) (#eq? @_def "defimpl"))
""",
}

REFERENCE_KINDS = ("inherit", "import", "call", "use", "type")
"""The kinds of references; where two name the same place, the first one holds."""


def capture(root: "Node", grammar_name: str, language: str, *, references: bool = True) -> dict[str, list["Node"]]:
    """Run the query of a grammar over a tree: the captured nodes by the captures' names, in no order.

    Without `references` only definitions and what belongs to them are looked for, which takes half of the time.
    """
    from tree_sitter import QueryCursor

    found: dict[str, list[Node]] = defaultdict(list)
    query = _query(grammar_name, language, references)
    if query is not None:
        found.update(QueryCursor(query, match_limit=_MATCH_LIMIT).captures(root))
    return found


@cache
def _query(grammar_name: str, language: str, references: bool) -> "Query | None":
    known = grammar(grammar_name)
    if known is None:
        return None
    from tree_sitter import Query

    patterns = [f"({kind}) @lead" for kind in _LEADS if _has(known, kind)]
    patterns += [f"({kind}) @wrapper" for kind in _WRAPPERS if _has(known, kind)]
    if language == "elixir":
        patterns.append('(unary_operator operator: "@") @lead')  # @doc, @spec, @impl
    values = "[" + " ".join(f"({kind})" for kind in sorted(FUNCTION_VALUES) if _has(known, kind)) + "]"
    for kind in KINDS.get(language, ()):
        if _has(known, kind):
            patterns.append(_CONDITIONS.get(kind, f"({kind})").replace(_VALUES, values) + " @definition")
    source = "\n".join(patterns) + (REFERENCES.get(grammar_name, "") if references else "")
    return Query(known, source) if source else None


def _has(language: "Language", kind: str) -> bool:
    return language.id_for_node_kind(kind, True) is not None
