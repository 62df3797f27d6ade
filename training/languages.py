"""Which syntax nodes are definitions, language by language: all that mining needs to know."""

import importlib
from dataclasses import dataclass
from functools import cache

import tree_sitter as ts


@dataclass(frozen=True, slots=True)
class Syntax:
    """A language: its grammar, and its definitions by node type.

    Attributes:
        module: the grammar's module.
        functions: node types of functions and methods.
        types: node types of classes, structures, interfaces and the like.
        comment: what a line comment begins with.
        entry: the function of the module that gives the grammar.
    """

    module: str
    functions: tuple[str, ...]
    types: tuple[str, ...] = ()
    comment: str = "//"
    entry: str = "language"


_JS = ("function_declaration", "generator_function_declaration", "method_definition", "variable_declarator")
_TS = (*_JS, "function_signature", "method_signature", "abstract_method_signature")

LANGUAGES: dict[str, Syntax] = {
    "bash": Syntax("tree_sitter_bash", ("function_definition",), comment="#"),
    "c": Syntax("tree_sitter_c", ("function_definition",), ("struct_specifier", "enum_specifier")),
    "cpp": Syntax(
        "tree_sitter_cpp",
        ("function_definition", "field_declaration"),
        ("class_specifier", "struct_specifier", "enum_specifier"),
    ),
    "csharp": Syntax(
        "tree_sitter_c_sharp",
        ("method_declaration", "constructor_declaration", "property_declaration"),
        ("class_declaration", "struct_declaration", "interface_declaration", "enum_declaration"),
    ),
    "elixir": Syntax("tree_sitter_elixir", ("call",), comment="#"),
    "go": Syntax("tree_sitter_go", ("function_declaration", "method_declaration"), ("type_declaration",)),
    "haskell": Syntax("tree_sitter_haskell", ("signature",), ("data_type", "newtype", "class"), comment="--"),
    "java": Syntax(
        "tree_sitter_java",
        ("method_declaration", "constructor_declaration"),
        ("class_declaration", "interface_declaration", "enum_declaration", "annotation_type_declaration"),
    ),
    "javascript": Syntax("tree_sitter_javascript", _JS, ("class_declaration",)),
    "kotlin": Syntax("tree_sitter_kotlin", ("function_declaration",), ("class_declaration", "object_declaration")),
    "lua": Syntax("tree_sitter_lua", ("function_declaration", "assignment_statement"), comment="--"),
    "php": Syntax(
        "tree_sitter_php",
        ("function_definition", "method_declaration"),
        ("class_declaration", "interface_declaration", "trait_declaration", "enum_declaration"),
        entry="language_php",
    ),
    "python": Syntax("tree_sitter_python", ("function_definition",), ("class_definition",), comment="#"),
    "ruby": Syntax("tree_sitter_ruby", ("method", "singleton_method"), ("class", "module"), comment="#"),
    "rust": Syntax(
        "tree_sitter_rust",
        ("function_item", "function_signature_item", "macro_definition"),
        ("struct_item", "enum_item", "trait_item", "type_item"),
    ),
    "scala": Syntax(
        "tree_sitter_scala",
        ("function_definition", "function_declaration"),
        ("class_definition", "object_definition", "trait_definition"),
    ),
    "swift": Syntax(
        "tree_sitter_swift",
        ("function_declaration", "init_declaration", "protocol_function_declaration", "property_declaration"),
        ("class_declaration", "protocol_declaration"),
    ),
    "tsx": Syntax("tree_sitter_typescript", _TS, ("class_declaration",), entry="language_tsx"),
    "typescript": Syntax(
        "tree_sitter_typescript",
        _TS,
        ("class_declaration", "abstract_class_declaration", "interface_declaration", "type_alias_declaration"),
        entry="language_typescript",
    ),
}

SUFFIXES: dict[str, str] = {
    ".sh": "bash", ".bash": "bash", ".zsh": "bash", ".c": "c", ".h": "cpp", ".cc": "cpp", ".cpp": "cpp",
    ".cxx": "cpp", ".hpp": "cpp", ".hh": "cpp", ".ipp": "cpp", ".cs": "csharp", ".ex": "elixir", ".exs": "elixir",
    ".go": "go", ".hs": "haskell", ".java": "java", ".js": "javascript", ".mjs": "javascript", ".cjs": "javascript",
    ".jsx": "javascript", ".kt": "kotlin", ".lua": "lua", ".php": "php", ".py": "python", ".rb": "ruby",
    ".rs": "rust", ".scala": "scala", ".swift": "swift", ".tsx": "tsx", ".ts": "typescript", ".mts": "typescript",
}  # fmt: skip


@cache
def grammar(language: str) -> ts.Language:
    """The grammar of a language."""
    syntax = LANGUAGES[language]
    return ts.Language(getattr(importlib.import_module(syntax.module), syntax.entry)())


@cache
def definitions(language: str) -> ts.Query:
    """A query whose captures are the definitions: `function` and `type`."""
    syntax = LANGUAGES[language]
    lines = [f"({kind}) @function" for kind in syntax.functions] + [f"({kind}) @type" for kind in syntax.types]
    return ts.Query(grammar(language), "\n".join(lines))
