"""A pack that owes nothing to another one: what git says has changed since the last commit stands last."""

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from kibitz.indexer.fold import folded
from kibitz.prompts.templates.pack import ListedFolder, PackFile, pack_front, part_text
from kibitz.server.pack.plan import Material, Plan, Planned
from kibitz.server.pack.ranking import Ranked, tier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kibitz.indexer.search import Searcher

MOST_BYTES_PER_TOKEN = 8  # of what is worth looking at
_OUTLINED = 2.0  # outlines go so many times further down the ranks than texts,
_WHOLE = 4.0  # of a file that a question found, the whole text ranks so many times further down than what it found
_LISTED = 8.0  # and names so many times
_LARGE = 16  # a text of more than this part of the budget waits, the longer the larger it is
_NEAR = (0.7, 1.3)  # of where texts alone would end: between these a file may be shown in either form
_MAP = 50  # one part of so many of the budget is for the map
_LEAST_MAP, _MOST_DEFINITIONS = 100, 300


def afresh(material: Material, name: str, searcher: "Searcher | None") -> Plan:
    """Plan a pack of a workspace of this name from the beginning."""
    ids, committed = material.files.ids, material.committed
    changed = {path for path in material.ranked.paths if committed and committed.get(path) != ids[path]}
    # What somebody works at ranks first; the sort keeps the order of the others.
    paths = sorted(material.ranked.paths, key=lambda path: path not in changed)
    ranked = Ranked(tuple(paths), material.ranked.found)
    with ThreadPoolExecutor(1) as pool:  # the encoder does not hold Python's lock: a map is made while it counts
        mapped = pool.submit(_map, searcher, material)
        every = _found(ranked, material) if material.question else _all(ranked, material)
    every.sort(key=lambda one: one.file.path)
    listed = [] if material.question else _folders(ranked)
    return Plan(
        pack_front(name, listed, mapped.result(), 0.0),
        tuple(one for one in every if one.file.path not in changed),
        tuple(one for one in every if one.file.path in changed),
    )


def _all(ranked: Ranked, material: Material) -> list[Planned]:
    """The files of a whole repository: texts by rank, and outlines where a text may not fit."""
    last = _last_text(ranked.paths, material)
    planned: list[Planned] = []
    for rank, path in enumerate(ranked.paths[: math.ceil(min(last * _OUTLINED, len(ranked.paths)))]):
        text = material.files.text(path)
        if not text:
            continue
        times = _times(_size(path, text, material), material.budget) if rank <= last else 1.0
        outline = folded(path, text) if times > 1 or rank >= last * _NEAR[0] else ""
        shown = text if rank <= last * _NEAR[1] else ""
        file = PackFile(path, shown, _if_shorter(outline, text), tier(rank * times), tier(rank / _OUTLINED))
        planned.append(Planned(file, material.files.ids[path]))
    return planned


def _last_text(paths: "Sequence[str]", material: Material) -> float:
    """The rank at which the budget would be full of texts; no rank at all where they all fit."""
    room = float(material.budget)
    for rank, path in enumerate(paths):
        if text := material.files.text(path):
            size = _size(path, text, material)
            room -= size / _times(size, material.budget)
        if room < 0:
            return rank + 1
    return math.inf if room > material.budget // _LARGE else len(paths)


def _size(path: str, text: str, material: Material) -> int:
    """The tokens of a text as it would stand in the prompt; guessed where it is too large to stand there at all."""
    if len(text) > material.budget * MOST_BYTES_PER_TOKEN:
        return len(text) // MOST_BYTES_PER_TOKEN
    return material.tokenizer.count(part_text(PackFile(path, text), "text"))


def _times(size: int, budget: int) -> float:
    """How many times further down a text ranks for its size."""
    return max(1.0, size * _LARGE / budget)


def _found(ranked: Ranked, material: Material) -> list[Planned]:
    """The files that a question found: what it found in them first, then whole texts of the best."""
    planned: list[Planned] = []
    room = material.budget * MOST_BYTES_PER_TOKEN
    for rank, path in enumerate(ranked.paths):
        if room < 0:
            break
        if text := material.files.text(path):
            spans = ranked.found[path]
            outline = _if_shorter(folded(path, text, spans), text)
            room -= len(outline or text)
            rank_of_text = (rank + 1) * _WHOLE if outline else rank
            file = PackFile(path, text, outline, tier(rank_of_text), tier(rank))
            planned.append(Planned(file, material.files.ids[path], tuple((one.start, one.end) for one in spans)))
    return planned


def _map(searcher: "Searcher | None", material: Material) -> str:
    """The definitions that matter most, in the order of paths: neither scores nor lines, which any edit changes."""
    room = material.budget // _MAP
    if searcher is None or room < _LEAST_MAP:
        return ""
    found = searcher.map(limit=_MOST_DEFINITIONS)
    lines: dict[tuple[str, int], str] = {}
    order = sorted((-one.score, file.path, at) for file in found.files for at, one in enumerate(file.symbols))
    of = {file.path: file for file in found.files}
    for _, path, at in order:
        if path not in material.files.ids:
            continue
        symbol = of[path].symbols[at].symbol
        new = {(path, -1): f"{path}\n"} if (path, -1) not in lines else {}
        new[path, at] = f"{'  ' * (symbol.depth + 1)}{symbol.signature}\n"
        room -= sum(map(material.tokenizer.count, new.values()))
        if room < 0:
            break
        lines |= new
    return "".join(lines[key] for key in sorted(lines))


def _folders(ranked: Ranked) -> list[ListedFolder]:
    """The names of all files, folder by folder; a folder ranks as its first file does."""
    names: dict[str, list[str]] = {}
    ranks: dict[str, int] = {}
    for rank, path in enumerate(ranked.paths):
        folder, _, name = path.rpartition("/")
        names.setdefault(folder, []).append(name)
        ranks.setdefault(folder, rank)
    return [ListedFolder(one, tuple(sorted(names[one])), tier(ranks[one] / _LISTED)) for one in sorted(names)]


def _if_shorter(outline: str, text: str) -> str:
    return outline if len(outline) < len(text) else ""
