"""What a path says of its file: the words of its name and of its folders, and what kind of file it is. Pure."""

from dataclasses import dataclass

from kibitz.indexer.keys import name_end
from kibitz.indexer.terms import split, stem

FOLDERS = 4  # how many of a file's nearest folders count: those above them are shared by nearly all
HEAD = 3  # letters that two words have in common if they are alike
MOST_DEPTH = 8
MOST_WORDS = 6

# Words of paths, with what they say of a file.
_TESTS = "e2e fixture fixtures mock mocks spec specs test testdata testing tests"
_EXAMPLES = "bench benches benchmark benchmarks demo demos doc docs example examples playground sample samples tutorial"
_COMPAT_WORDS = "compat compatibility deprecated gen generated legacy migrations polyfill polyfills shim shims vendor"
_BARREL_WORDS = "all index init lib main mod package"
_PROSE_ENDINGS = "adoc markdown md org rst txt"
TESTS, EXAMPLES = frozenset(_TESTS.split()), frozenset(_EXAMPLES.split())
COMPAT = frozenset((*_COMPAT_WORDS.split(), "thirdparty", "vendored"))
_BARRELS, _PROSE = frozenset(_BARREL_WORDS.split()), frozenset(_PROSE_ENDINGS.split())
_HEADERS = (".h", ".hh", ".hpp", ".d.ts")


@dataclass(frozen=True, slots=True)
class PathNames:
    """One path.

    Attributes:
        stem: the stems of the words of the file's name, without its endings; never none.
        folders: those of its nearest folders.
        is_test, is_example: whether a word of the path says so.
        flags: numbers from 0 to 1, in the order of FLAGS.
    """

    stem: tuple[str, ...]
    folders: tuple[str, ...]
    is_test: bool
    is_example: bool
    flags: tuple[float, ...]


FLAGS = ("compat", "header", "barrel", "prose", "depth", "name_words")


def path_names(path: str) -> PathNames:
    """Read a path."""
    *folders, name = path.split("/")
    first = name.lstrip(".").split(".")[0]
    parts = [split(part.split(".")[0]) for part in folders]
    own = split(first)
    words = {word for part in parts for word in part}.union(own)
    stems = tuple(stem(word) for word in own if len(word) > 1) or (first.lower(),)
    flags = (
        bool(COMPAT & words) or "third_party" in folders,
        name.endswith(_HEADERS),
        "".join(own) in _BARRELS,
        name.rpartition(".")[2].lower() in _PROSE,
        min(len(folders), MOST_DEPTH) / MOST_DEPTH,
        min(len(stems), MOST_WORDS) / MOST_WORDS,
    )
    near = tuple(stem(word) for part in parts[-FOLDERS:] for word in part if len(word) > 1)
    return PathNames(stems, near, bool(TESTS & words), bool(EXAMPLES & words), tuple(map(float, flags)))


def name_words(name: str) -> tuple[str, ...]:
    """The stems of the words of a definition's name, of its last part if it is qualified."""
    return tuple(stem(word) for word in split(name_end(name)) if len(word) > 1)


def likeness(one: str, other: str) -> float:
    """How like two stems are, 0 to 1: a long prefix in common makes up for an ending, or for a slip behind it."""
    if one == other:
        return 1.0
    short, long = sorted((len(one), len(other)))
    common = 0
    while common < short and one[common] == other[common]:
        common += 1
    if common == short and short >= 3:
        return 0.5 + 0.5 * common / long
    return 0.8 * common / long if common >= 4 else 0.0
