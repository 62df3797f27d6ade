"""One answer from those of several folders."""

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from kibitz.indexer.answer import Answer, Freshness
from kibitz.indexer.types import Hit, Span
from kibitz.server.lsp.folders import Folder

if TYPE_CHECKING:
    from kibitz.indexer.round import Report

Found = Sequence[tuple[Folder, Answer]]


def best_hits(found: Found, query: str, k: int) -> list[tuple[Folder, Hit]]:
    """The k best hits of all folders, best first; one that two folders hold, one inside the other, comes once.

    Each folder's hits stay in their order. Which folder's comes next is told by how many of the query's words a hit
    holds, and only then by scores: those are relative to what else an index has, so the best of an index that has
    nothing fitting is as high as any.
    """
    from kibitz.indexer.terms import query_terms, terms_of

    wanted = query_terms(query).keys() if len(found) > 1 else ()

    def badness(pair: tuple[Folder, Hit]) -> tuple[int, float]:
        chunk = pair[1].chunk
        held = terms_of(f"{chunk.path}\n{chunk.text}").keys() if wanted else ()
        return -sum(term in held for term in wanted), -pair[1].score

    each = [[(folder, hit) for hit in answer.hits] for folder, answer in found]
    every = heapq.merge(*each, key=badness)
    once: dict[tuple[Path, Span], tuple[Folder, Hit]] = {}
    for folder, hit in every:
        once.setdefault(((folder.root or Path()) / hit.chunk.path, hit.chunk.span), (folder, hit))
    return list(once.values())[:k]


def freshness_of(found: Found) -> Freshness:
    """How near all of the answers are to the files: the oldest round, and the sums of what is counted."""
    each = [answer.freshness for _, answer in found]
    known = [one.behind for one in each if one.behind is not None]
    return Freshness(
        indexed_at=min(one.indexed_at for one in each),
        indexing=any(one.indexing for one in each),
        behind=sum(known) if len(known) == len(each) else None,
        ahead=sum(one.ahead for one in each),
        lacking=sum(one.lacking for one in each),
    )


def notes_of(found: Found) -> list[str]:
    """Every note, with the folder's name where there are several."""
    return [f"{folder.name}: {note}" if len(found) > 1 else note for folder, answer in found for note in answer.notes]


def legs_of(found: Found) -> list[str]:
    """Every leg that ran somewhere."""
    return list(dict.fromkeys(chain.from_iterable(answer.legs for _, answer in found)))


def total(reports: "Sequence[Report]") -> "Report":
    """The sums of what rounds did; the newest version, all warnings, and every reason for making an index again."""
    skipped: Counter[str] = Counter()
    for report in reports:
        skipped.update(report.skipped)
    return replace(
        reports[0],
        files=sum(report.files for report in reports),
        chunks=sum(report.chunks for report in reports),
        parsed_files=sum(report.parsed_files for report in reports),
        embedded_chunks=sum(report.embedded_chunks for report in reports),
        removed_files=sum(report.removed_files for report in reports),
        skipped=dict(skipped),
        seconds=sum(report.seconds for report in reports),
        version=max(report.version for report in reports),
        lacking=sum(report.lacking for report in reports),
        warning=" ".join(filter(None, (report.warning for report in reports))) or None,
        rebuilt=" ".join(filter(None, (report.rebuilt for report in reports))) or None,
    )
