"""Which files may be learned from: not a benchmark's code, nor another licence's, nor tests, nor generated ones."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

HERE = Path(__file__).parent
MAX_BYTES = 400_000
SHINGLE_LINES = 5
MIN_SHINGLE_CHARS = 80

_SKIPPED_FOLDERS = re.compile(
    r"(tests?|specs?|__tests__|__mocks__|testing|testdata|test_data|test-fixtures|fixtures|unittests?|examples?|samples?"
    r"|demos?|bench(mark)?s?|docs?|vendor(ed)?|_vendor|third_?party|3rdparty|node_modules|debian|contrib|locales?|i18n"
    r"|generated|gen|migrations|\..*|.*\.dist-info|.*\.data)",
    re.IGNORECASE,
)
_BUILT_FOLDERS = re.compile(r"_?(dist|cjs|esm|umd|commonjs|build|out|min|es|lib-esm|legacy|bundles?)", re.IGNORECASE)
_SKIPPED_FILES = re.compile(
    r"(test_.*|.*_test|.*[._-](test|spec|min|generated|pb|d)|.*_pb2(_grpc)?|conftest|.*Tests?|.*_spec)\.\w+"
)
_OTHER_LICENCE = re.compile(
    r"GNU (Lesser |Affero |Library )?General Public|\bA?L?GPL|Mozilla Public|\bMPL\b|Eclipse Public|Creative Commons"
)
_GENERATED = re.compile(r"@generated|auto-?\s?generated|generated (by|from|file|code)|do not edit", re.IGNORECASE)
_COMMENT = re.compile(r"(//|#|--|\*|/\*|;|%|\"\"\"|''')")


def read_never(path: Path = HERE / "never-train-on.txt") -> re.Pattern[str]:
    """A pattern for path parts (without suffix, lower case) that name a project of the list."""
    lines = (line.strip().lower() for line in path.read_text(encoding="utf-8").splitlines())
    names = "|".join(re.escape(line) for line in lines if line and not line.startswith("#"))
    return re.compile(rf"@?({names})([-_.].*)?")


def names_never(path: str, never: re.Pattern[str]) -> bool:
    """Whether a folder of the path, or the file without its suffixes, is called like a project of the list."""
    parts = path.lower().split("/")
    stem = parts[-1].split(".")[0]
    exact = re.compile(never.pattern.removesuffix("([-_.].*)?"))
    return any(never.fullmatch(part) for part in parts[:-1]) or bool(exact.fullmatch(stem))


def candidates(root: Path, suffixes: set[str], never: re.Pattern[str]) -> list[Path]:
    """Source files of a package; built copies only where there is nothing else."""
    found: list[Path] = []
    built: list[Path] = []
    for file in sorted(root.rglob("*")):
        relative = file.relative_to(root)
        if file.suffix not in {*suffixes, ""} or _SKIPPED_FILES.fullmatch(file.name) or not file.is_file():
            continue
        if any(_SKIPPED_FOLDERS.fullmatch(part) for part in relative.parts[:-1]):
            continue
        if names_never(relative.as_posix(), never) or not 100 < file.stat().st_size <= MAX_BYTES:
            continue
        (built if any(_BUILT_FOLDERS.fullmatch(part) for part in relative.parts[:-1]) else found).append(file)
    return found if len(found) >= 5 else found + built


def may_learn_from(text: str) -> bool:
    """Whether a file is neither generated, minified nor under another licence than its package."""
    head = text[:3000]
    lines = text.count("\n") + 1
    if len(text) / lines > 150 or _OTHER_LICENCE.search(head):
        return False
    return not _GENERATED.search(head[:800])


def trees(folder: Path) -> list[Path]:
    """The folders directly below `folder`; resolved, because rglob enters no linked folder."""
    return sorted({tree.resolve() for tree in folder.iterdir() if tree.is_dir()})


@dataclass(frozen=True, slots=True)
class Shingles:
    """Runs of five code lines of the trees that must not be seen (comments, and with them licences, left out)."""

    hashes: set[int] = field(default_factory=set)

    @classmethod
    def of_trees(cls, folder: Path, suffixes: set[str]) -> "Shingles":
        """Collect them from all sources below a folder, and scripts without a suffix."""
        found: set[int] = set()
        for tree in trees(folder):
            for file in tree.rglob("*"):
                if file.suffix in {*suffixes, ""} and file.is_file():
                    text = file.read_text(encoding="utf-8", errors="replace")
                    found.update(number for _, number in _shingles(text))
        return cls(found)

    def shared_lines(self, text: str) -> list[int]:
        """Where in a text shared runs begin (line numbers, 0-based)."""
        return [line for line, number in _shingles(text) if number in self.hashes] if self.hashes else []


def _shingles(text: str) -> list[tuple[int, int]]:
    lines = []
    in_comment = False
    for number, raw in enumerate(text.splitlines()):
        line = "".join(raw.split())
        in_comment = in_comment or line.startswith("/*")
        if in_comment:
            in_comment = "*/" not in line
            continue
        if sum(map(str.isalnum, line)) >= 3 and not _COMMENT.match(line):
            lines.append((number, line))
    out = []
    for i in range(len(lines) - SHINGLE_LINES + 1):
        joined = "\n".join(line for _, line in lines[i : i + SHINGLE_LINES])
        if len(joined) >= MIN_SHINGLE_CHARS:
            data = joined.encode("utf-8", "replace")
            out.append((lines[i][0], crc32(data) | (crc32(data[::-1]) << 32)))
    return out
