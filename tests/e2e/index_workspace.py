"""Small workspaces in several languages, and what a fresh index of them holds."""

import os
from collections.abc import Callable
from pathlib import Path

from kibitz.indexer.index import IndexStatus, Plan, Report, plan, status, update
from kibitz.indexer.layout import Places, places
from kibitz.indexer.search import Searcher
from kibitz.indexer.workspace import Rules
from tests.fakes.embedder import HashEmbedder
from tests.fakes.index_dump import Dump, differences, dump_index

Files = dict[str, str]

_MAKERS: dict[str, Callable[[str], str]] = {
    "py": lambda n: (
        f'"""Keeps {n}."""\n\nimport os\n\n\nclass {n.title()}:\n    def load_{n}(self):\n'
        f"        return os.open_{n}()\n\n\ndef use_{n}(value):\n    return {n.title()}().load_{n}() + value\n"
    ),
    "ts": lambda n: (
        f"import {{ base }} from './base';\n\nexport class {n.title()} extends Base {{\n"
        f"  load{n.title()}(): string {{\n    return base('{n}');\n  }}\n}}\n"
    ),
    "go": lambda n: (
        f"package {n}\n\ntype {n.title()} struct {{ size int }}\n\n"
        f"func (s *{n.title()}) Load{n.title()}() int {{\n\treturn s.size\n}}\n"
    ),
    "rs": lambda n: (
        f"pub struct {n.title()} {{ size: u32 }}\n\nimpl {n.title()} {{\n"
        f"    pub fn load_{n}(&self) -> u32 {{ self.size }}\n}}\n"
    ),
    "md": lambda n: f"# {n.title()}\n\nHow {n} is loaded.\n\n## Use of {n}\n\nCall it with a value.\n",
    "json": lambda n: f'{{\n  "name": "{n}",\n  "loads": ["{n}", "base"]\n}}\n',
    "txt": lambda n: f"notes on {n}\nwhat {n} was made for\n",
}


def state(number: int, count: int = 84) -> Files:
    """The files of a workspace in its state `number`: each state changes, adds, moves and removes some of state 0.

    In the text of a file of state s that is not in state 0 stands the word `state{s}`.
    """
    endings = list(_MAKERS)
    files: Files = {}
    for at in range(count):
        ending = endings[at % len(endings)]
        files[f"part{at % 5}/file{at}.{ending}"] = _MAKERS[ending](f"thing{at}")
    files["empty.py"] = ""
    files["copied/file0.py"] = files["part0/file0.py"]
    files["part0/long.py"] = "".join(_MAKERS["py"](f"step{at}") for at in range(40))
    if number:
        for path in sorted(files)[number :: 9 + number]:
            files[path] = _MAKERS[path.rpartition(".")[2]](f"state{number}") + files[path]
        for path in sorted(files)[number :: 30 + number]:
            del files[path]
        for path in sorted(files)[number :: 25 + number]:
            files[f"moved{number}/{path.rpartition('/')[2]}"] = files.pop(path)
        files[f"new/added{number}.py"] = _MAKERS["py"](f"state{number}")
    return files


def lay(root: Path, files: Files) -> None:
    """Make a folder hold these files and no others, with times that do not look as if they were still written."""
    root.mkdir(parents=True, exist_ok=True)
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root)
        if path.is_file() and inside.parts[0] != ".git" and inside.as_posix() not in files:
            path.unlink()
    then = 1_700_000_000 + 100 * len(files)
    for at, (name, text) in enumerate(files.items()):
        path = root / name
        if path.exists() and path.read_text("utf-8") == text:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        os.utime(path, (then + at, then + at))


class Bench:
    """A workspace with its index, and fresh ones to compare it with."""

    def __init__(self, folder: Path, files: Files, *, paths: bool = True) -> None:
        self.folder = folder
        self.root = folder / "work"
        self.cache = folder / "cache"
        self.embedder = HashEmbedder(paths=paths)
        self.rules = Rules()
        lay(self.root, files)

    def update(self, root: Path | None = None) -> Report:
        return update(
            root or self.root, cache_dir=self.cache, embedder=self.embedder, rules=self.rules, workers=1, lock_wait_s=20
        )

    def status(self) -> IndexStatus:
        return status(self.root, cache_dir=self.cache, embedder=self.embedder, rules=self.rules)

    def searcher(self) -> Searcher:
        return Searcher.open(self.root, cache_dir=self.cache, embedder=self.embedder)

    def dump(self, root: Path | None = None, *, table: bool = True) -> Dump:
        return dump_index(root or self.root, cache_dir=self.cache, embedder=self.embedder, table=table)

    def fresh(self, root: Path | None = None) -> Dump:
        """What a new index of the workspace holds as it is now."""
        cache = self.folder / f"fresh{len(list(self.folder.glob('fresh*')))}"
        root = root or self.root
        update(root, cache_dir=cache, embedder=self.embedder, rules=self.rules, workers=1)
        return dump_index(root, cache_dir=cache, embedder=self.embedder)

    def check(self, wanted: Dump | None = None, root: Path | None = None) -> None:
        """Compare the index with a fresh one."""
        found = differences(self.dump(root), wanted or self.fresh(root))
        assert not found, "; ".join(found)

    def plan(self) -> Plan:
        return plan(self.root, cache_dir=self.cache, embedder=self.embedder)

    @property
    def at(self) -> Places:
        return places(self.root, self.cache, self.embedder)
