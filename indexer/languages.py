"""Which language a file is written in, and the grammar that parses it."""

import importlib
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Language

_EXTENSIONS: dict[str, str] = {
    "python": "py pyi pyw pyx pxd pxi",
    "javascript": "js mjs cjs jsx es6",
    "typescript": "ts tsx mts cts",
    "go": "go",
    "rust": "rs",
    "java": "java",
    "c": "c",
    # A header is parsed as C++: the C grammar fails on C++ headers and takes twice as long over them, while the
    # C++ grammar reads nearly all C.
    "cpp": "cpp cc cxx c++ h hpp hh hxx h++ ipp inl tpp ixx cu cuh ino",
    "c-sharp": "cs csx",
    "ruby": "rb rake gemspec ru podspec rbi jbuilder",
    "php": "php phtml php5 php7 phps",
    "bash": "sh bash zsh ksh bats ebuild",
    "json": "json jsonc json5 webmanifest code-workspace",
    "html": "html htm xhtml vue svelte astro",
    "css": "css scss less",
    "kotlin": "kt kts",
    "swift": "swift",
    "scala": "scala sc sbt mill",
    "lua": "lua rockspec luau",
    "markdown": "md markdown mdx mkd",
    "sql": "sql psql ddl pgsql",
    "toml": "toml",
    "haskell": "hs hs-boot hsc",
    "elixir": "ex exs",
}

LANGUAGES: tuple[str, ...] = tuple(_EXTENSIONS)
"""The languages that come with a grammar."""

_BY_EXTENSION = {"." + ext: language for language, exts in _EXTENSIONS.items() for ext in exts.split()}

_ALIASES = {"c#": "c-sharp", "csharp": "c-sharp", "golang": "go", "shell": "bash"}

_BY_NAME = {
    name.lower(): language
    for language, names in {
        "ruby": "Rakefile Gemfile Guardfile Podfile Vagrantfile Brewfile Capfile Fastfile Dangerfile .irbrc .pryrc",
        "bash": ".bashrc .bash_profile .bash_aliases .bash_logout .profile .zshrc .zshenv .zprofile PKGBUILD APKBUILD",
        "python": "SConstruct SConscript wscript",
        "json": ".babelrc .eslintrc .prettierrc .jshintrc .swcrc .watchmanconfig",
        "toml": "Pipfile",
    }.items()
    for name in names.split()
}

_BY_INTERPRETER = {
    "python": "python",
    "pypy": "python",
    "node": "javascript",
    "nodejs": "javascript",
    "bun": "typescript",
    "deno": "typescript",
    "tsx": "typescript",
    "ts-node": "typescript",
    "sh": "bash",
    "bash": "bash",
    "dash": "bash",
    "ash": "bash",
    "zsh": "bash",
    "ksh": "bash",
    "bats": "bash",
    "ruby": "ruby",
    "jruby": "ruby",
    "php": "php",
    "lua": "lua",
    "luajit": "lua",
    "elixir": "elixir",
    "runhaskell": "haskell",
    "runghc": "haskell",
    "stack": "haskell",
    "swift": "swift",
    "kotlin": "kotlin",
    "scala": "scala",
    "scala-cli": "scala",
    "amm": "scala",
    "groovy": "",
}

# Where the wheel's module or function is not simply tree_sitter_<language>.language.
_FACTORIES = {
    "c-sharp": ("tree_sitter_c_sharp", "language"),
    "php": ("tree_sitter_php", "language_php"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
}


def language_named(name: str) -> str:
    """The language that somebody calls so, by its name, another one ("c#"), or a file's ending ("ts"); "" for none."""
    plain = name.strip().lower()
    if plain in _EXTENSIONS:
        return plain
    return _ALIASES.get(plain) or _BY_EXTENSION.get("." + plain.removeprefix("."), "")


def language_of(path: str, head: str = "") -> str:
    """The language of a file by its name, else by the shebang that `head` (the beginning of its text) starts with.

    Returns one of LANGUAGES, or "" when it is none of them.
    """
    name = path.rstrip("/").rpartition("/")[2].lower()
    if found := _BY_NAME.get(name):
        return found
    dot = name.rfind(".")
    if dot >= 0 and (found := _BY_EXTENSION.get(name[dot:])):
        return found
    return _by_shebang(head) if head.startswith("#!") else ""


def _by_shebang(head: str) -> str:
    """`#!/usr/bin/env -S FOO=1 python3.12 -u` and `#!/bin/sh -e` name an interpreter."""
    words = head[2:].split("\n", 1)[0].split()
    if words and words[0].rsplit("/", 1)[-1] == "env":
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    if not words:
        return ""
    program = words[0].rsplit("/", 1)[-1].lower()
    return _BY_INTERPRETER.get(program) or _BY_INTERPRETER.get(program.rstrip("0123456789."), "")


def grammar_name(path: str, language: str) -> str:
    """The grammar for a file of `language`: TypeScript has a second one for files with JSX."""
    return "tsx" if language == "typescript" and path.lower().endswith(".tsx") else language


@cache
def grammar(language: str) -> "Language | None":
    """The grammar of a language (or "tsx"), loaded from its own wheel at first use; None when there is none."""
    if language not in _EXTENSIONS and language not in _FACTORIES:
        return None
    from tree_sitter import Language

    module, factory = _FACTORIES.get(language, (f"tree_sitter_{language}", "language"))
    return Language(getattr(importlib.import_module(module), factory)())
