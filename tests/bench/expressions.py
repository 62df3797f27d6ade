"""Regular expressions of many kinds, drawn from the lines of a tree by a seeded hand, and some written by one."""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"[A-Za-z_]\w{4,}")
_LEAST_LINE = 12

BY_HAND = """
    TODO|FIXME|XXX
    (?i)todo\\(\\w+\\)
    \\bdef\\s+test_\\w+_raises\\b
    ^from\\s+django\\.db\\s+import\\s
    ^import \\{[^}]*useState
    async\\s+fn\\s+\\w+\\(&mut self
    func \\(\\w+ \\*\\w+\\) String\\(\\) string
    class \\w+(Factory|Builder)\\b
    @(Override|Deprecated)$
    catch \\((IOException|SQLException) \\w+\\)
    errors\\.New\\("[^"]+"\\)
    #\\[derive\\([^)]*Hash[^)]*\\)\\]
    impl<'a> \\w+ for \\w+<'a>
    \\.unwrap_or_else\\(\\|
    console\\.(log|warn|error)\\(
    raise (Value|Type)Error\\(
    return nil, fmt\\.Errorf\\(
    0x[0-9a-fA-F]{16}\\b
    \\b\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\b
    https?://[\\w.-]+/[\\w/.-]+\\.git\\b
    "version":\\s*"\\d+\\.\\d+\\.\\d+"
    ^\\s*#\\s*pragma
    (?i)copyright \\(c\\) 19\\d\\d
    (?i:hello),? world
    \\bsy[mn]bols?_?table\\b
    (get|set)[A-Z]\\w*Timeout\\(
    \\w+Exception: \\w+
    [A-Z]{3}_[A-Z]{5,}_TIMEOUT
    memcpy|memmove
    x{3,}
    ={60}
    (foo|bar)(baz|qux)
    \\p{Greek}\\p{Greek}+
    [\\p{Han}]{2,}
    é|ü|ß
    \\wü\\w
    \\S+@\\S+\\.(com|org)
    ^$
    ^.{300,}$
    (a+)+$
    [^\\x00-\\x7F]{3}
    \\bnaïve\\b
"""


@dataclass(frozen=True, slots=True)
class Expression:
    """A pattern, and what kind it is."""

    kind: str
    pattern: str


def quoted(text: str) -> str:
    """A text as a pattern that only it matches, in every dialect."""
    return re.sub(r"([\\.^$*+?()\[\]{}|&~#-])", r"\\\1", text)


def drawn(paths: Sequence[Path], each: int, seed: int = 11) -> list[Expression]:
    """So many expressions of each kind from the lines of files, and those written by hand."""
    random_ = random.Random(seed)
    found = [Expression("by hand", line.strip()) for line in BY_HAND.strip().splitlines()]
    for kind, make in _KINDS.items():
        made = 0
        while made < each:
            line = _line(paths, random_, plain=kind != "unicode")
            if pattern := make(line, random_):
                found.append(Expression(kind, pattern))
                made += 1
    return found


def _line(paths: Sequence[Path], random_: random.Random, *, plain: bool) -> str:
    while True:
        lines = random_.choice(paths).read_text("utf-8", "replace").split("\n")
        line = random_.choice(lines).strip()
        if plain == line.isascii() and _LEAST_LINE <= len(line) <= 200 and "\ufffd" not in line:
            return line


def _literal(line: str, random_: random.Random) -> str:
    start = random_.randrange(len(line) - 6)
    return quoted(line[start : start + random_.randint(6, 24)].strip())


def _names(line: str) -> list[str]:
    return list(dict.fromkeys(_NAME.findall(line)))


def _word(line: str, random_: random.Random) -> str:
    names = _names(line)
    return rf"\b{random_.choice(names)}\b" if names else ""


def _class(line: str, random_: random.Random) -> str:
    names = _names(line)
    if not names:
        return ""
    name = random_.choice(names)
    at = random_.randrange(1, len(name))
    return rf"{name[:at]}[{name[at]}x-z]{name[at + 1 :]}\W"


def _alternation(line: str, random_: random.Random) -> str:
    names = _names(line)
    return f"({'|'.join(random_.sample(names, min(len(names), 3)))})" if len(names) > 1 else ""


def _any_case(line: str, random_: random.Random) -> str:
    names = _names(line)
    return f"(?i){random_.choice(names).swapcase()}" if names else ""


def _anchored(line: str, random_: random.Random) -> str:
    size = random_.randint(8, 20)
    return rf"^\s*{quoted(line[:size])}" if random_.random() < 0.5 else rf"{quoted(line[-size:])}$"


def _repeated(line: str, random_: random.Random) -> str:
    del random_
    pattern = re.sub(r"\d+", r"\\d+", quoted(re.sub(r"\s+", " ", line[:40])).replace(r"\ ", " "))
    pattern = pattern.replace(" ", r"\s+")
    return pattern if "+" in pattern else ""


def _gap(line: str, random_: random.Random) -> str:
    names = _names(line)
    if len(names) < 2:
        return ""
    first = random_.randrange(len(names) - 1)
    return f"{names[first]}.*{names[first + 1]}"


def _part(line: str, random_: random.Random) -> str:
    names = _names(line)
    if not names:
        return ""
    name = random_.choice(names)
    return rf"\w+{name[2:]}\w*\(" if random_.random() < 0.5 else rf"{name[:4]}\w+{name[-3:]}"


def _unicode(line: str, random_: random.Random) -> str:
    places = [at for at, char in enumerate(line) if not char.isascii()]
    at = random_.choice(places)
    return quoted(line[max(0, at - 3) : at + 5].strip())


_KINDS: dict[str, Callable[[str, random.Random], str]] = {
    "literal": _literal,
    "word": _word,
    "class": _class,
    "alternation": _alternation,
    "any case": _any_case,
    "anchored": _anchored,
    "repetition": _repeated,
    "gap": _gap,
    "part of a name": _part,
    "unicode": _unicode,
}
