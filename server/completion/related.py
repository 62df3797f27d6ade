"""Which files of the index have to do with a document: imported by it, defining its names, beside it."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from kibitz.indexer.imports import imported, names_of
from kibitz.indexer.keys import definition_key
from kibitz.indexer.terms import terms_of

if TYPE_CHECKING:
    from kibitz.indexer.outline import Site
    from kibitz.indexer.view import View

MOST_MEANT = 4  # files that one import may mean; of more none is
MOST_DEFINERS = 3  # a name that more files define says little of each
MOST_IMPORTS = 40
_LOOKED_AT = 64  # files of the same name
_TESTED = re.compile(r"^(?:test_|spec_)|(?:_test|_spec|Tests?|Spec|\.test|\.spec)$")


def imports_of(view: "View", path: str, sites: Iterable["Site"]) -> dict[str, float]:
    """Return the files that a document imports, each with the share of it that an import means."""
    found: dict[str, float] = {}
    names = dict.fromkeys(site.name for site in sites if site.kind == "import")
    for name in list(names)[:MOST_IMPORTS]:
        wanted = set(imported(name))
        last = re.split(r"::|[./\\:]", name)
        tails = [part for part in last[-2:] if part]
        files = {one for tail in tails for one in _named(view, tail) if wanted.intersection(names_of(one))} - {path}
        if 0 < len(files) <= MOST_MEANT:
            for one in files:
                found[one] = max(found.get(one, 0.0), 1 / len(files))
    return found


def siblings_of(view: "View", path: str) -> list[str]:
    """Return the files of the same name but for an ending or what marks a test: header and source, test and tested."""
    stem = _bare(path)
    return [one for one in _named(view, stem) if one != path and _bare(one) == stem]


def definers_of(view: "View", path: str, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the files that define names which a file uses; those of tests and examples last.

    A name that many files define, or its own one, is left out.
    """
    keys = {definition_key(name): name for name in names}
    found: dict[str, tuple[str, ...]] = {}
    for key, (chunks, _) in view.definitions.find(list(keys)).items():
        if len(chunks) > _LOOKED_AT:
            continue
        places: dict[str, bool] = {}
        for chunk in chunks.tolist():
            file = int(view.file_of[chunk])
            if keys[key] in view.chunk(chunk, view.paths[file], "").defines:
                places[view.paths[file]] = bool(view.aside[file])
        if path not in places and 0 < len(places) <= MOST_DEFINERS:
            found[keys[key]] = tuple(sorted(places, key=lambda one: (places[one], one)))
    return found


def blobs_of(view: "View", paths: Iterable[str]) -> Mapping[str, str]:
    """Return the blobs of those files that the view has."""
    wanted = dict.fromkeys(paths)
    found: dict[str, str] = {}
    for segment, dead in view.parts:
        for path in wanted:
            at = bisect_left(segment.paths, path)
            if at < len(segment.paths) and segment.paths[at] == path and at not in dead:
                found[path] = segment.blobs[at]
    return found


def _named(view: "View", name: str) -> list[str]:
    """Return the files whose name, or whose folder's name, holds all terms of a name."""
    keys = list(terms_of(name))
    if not keys:
        return []
    found: set[int] = set()
    for postings in (view.stems, view.folders):
        held = postings.find(keys)
        if len(held) == len(keys):
            files = min((items for items, _ in held.values()), key=len)
            common = set(files.tolist())
            for items, _ in held.values():
                common.intersection_update(items.tolist())
            found |= common if len(common) <= _LOOKED_AT else set()
    return [view.paths[file] for file in sorted(found)]


def _bare(path: str) -> str:
    name = path.rpartition("/")[2].lstrip(".")
    parts = name.split(".")
    stem = ".".join(parts[:-1]) if len(parts) > 1 else name
    return _TESTED.sub("", stem.removesuffix(".d"))
