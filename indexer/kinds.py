"""Which nodes of a syntax tree define something, and of what kind that is."""


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
