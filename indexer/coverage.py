"""Whether the language that a workspace is mainly written in is in its index."""

from collections import Counter
from collections.abc import Iterable, Mapping

from kibitz.indexer.languages import language_of
from kibitz.indexer.workspace import Skipped, Survey

_FEWEST = 3  # files, before a workspace is said to be written in a language
_SHARE = 0.1  # of a language's files: with fewer of them in the index it is as good as absent

# They stand beside a program in any language, so that their number says little.
_BESIDE = frozenset({"markdown", "json", "toml", "html", "css"})

# Programming languages that come without a grammar: their files are indexed by lines. An extension that compilers also
# write (.d, .s) is none of them.
_FURTHER = {
    f".{extension}": name
    for name, extensions in {
        "Dart": "dart", "Zig": "zig", "Nim": "nim", "Crystal": "cr", "Solidity": "sol",
        "R": "r", "Objective-C++": "mm", "Objective-C or MATLAB": "m", "Julia": "jl",
        "Fortran": "f f77 f90 f95 f03 f08",
        "Clojure": "clj cljs cljc", "OCaml": "ml mli", "F#": "fs fsi fsx", "Erlang": "erl hrl", "Elm": "elm",
        "Lisp": "lisp lsp cl el scm rkt", "Perl": "pl pm", "Raku": "raku rakumod", "Tcl": "tcl", "Pascal": "pas",
        "Ada": "adb ads", "COBOL": "cob cbl cpy", "Visual Basic": "vb bas", "PowerShell": "ps1 psm1",
        "Groovy": "groovy gradle", "VHDL": "vhd vhdl", "Verilog": "sv svh", "Assembly": "asm nasm", "GDScript": "gd",
        "PureScript": "purs", "Gleam": "gleam", "Mojo": "mojo", "Nix": "nix", "Haxe": "hx",
        "CoffeeScript": "coffee", "Reason": "re rei",
    }.items()
    for extension in extensions.split()
}  # fmt: skip

# What such a rule leaves out was not written in this workspace.
_ELSEWHERE = frozenset({"vendored", "symlink", "special", "repository", "name"})


def absent_language(found: Survey, indexed: Iterable[str], passed: Mapping[str, str]) -> str | None:
    """A sentence when most of a workspace's source is in a language that is not in its index, or has no grammar.

    `indexed` are the paths that got in, `passed` the rules of those that were read and left out.
    """
    indexed = list(indexed)
    out = _written_here(found.skipped, indexed)
    out += [Skipped(path, rule) for path, rule in passed.items()]
    inside, outside = _by_language(indexed), _by_language(skip.path for skip in out)
    seen = inside + outside
    if not seen:
        return None
    main, count = seen.most_common(1)[0]
    if count < _FEWEST:
        return None
    if inside[main] < _SHARE * count:
        rules = Counter(skip.rule for skip in out if _language(_extension(skip.path)) == main)
        by = f", most by the rule {rules.most_common(1)[0][0]}" if rules else ""
        return f"Most source files here are {main}, but {count - inside[main]} of these {count} are left out{by}."
    if main in _FURTHER.values():
        return f"Most source files here are {main}, for which there is no grammar: they are cut by lines."
    return None


def _written_here(skipped: Iterable[Skipped], indexed: Iterable[str]) -> list[Skipped]:
    """The files that were left out, without what came from elsewhere and what git ignores beside its source.

    A compiler writes app.js beside app.ts.
    """
    out = [skip for skip in skipped if skip.rule not in _ELSEWHERE and not skip.path.endswith("/")]
    if not any(skip.rule == "ignored:git" for skip in out):
        return out
    stems = {path.removesuffix(_extension(path)) for path in indexed}
    return [
        skip for skip in out if skip.rule != "ignored:git" or skip.path.removesuffix(_extension(skip.path)) not in stems
    ]


def _by_language(paths: Iterable[str]) -> Counter[str]:
    """How many files there are of each programming language; extensions are counted first, since they are few."""
    found: Counter[str] = Counter()
    for extension, count in Counter(map(_extension, paths)).items():
        if language := _language(extension):
            found[language] += count
    return found


def _extension(path: str) -> str:
    name = path[path.rfind("/") + 1 :]
    dot = name.rfind(".")
    return name[dot:] if dot > 0 else ""


def _language(extension: str) -> str:
    lower = extension.lower()
    known = language_of(f"x{lower}") if lower else ""
    return _FURTHER.get(lower, "") if not known else "" if known in _BESIDE else known
