"""Which segments of the hot copy hold a workspace's files, and which are better written anew. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kibitz.indexer.manifest import Held
from kibitz.indexer.segment import MOST_CHUNKS, Segment

LEAST_ALIVE = 0.5  # of a segment's chunks, for it to be kept
TIER_FACTOR = 4  # segments of a size within this factor are of one tier,
TIER_MEMBERS = 4  # and more of them than this are merged: a question asks every segment


@dataclass(frozen=True, slots=True)
class Cover:
    """What the segments give a workspace.

    `held` stay as they are. `again` are files of segments that are written anew, by their numbers. `missing` are the
    paths that are in no segment. `sizes` are the chunks of each path that is in one.
    """

    held: tuple[Held, ...]
    again: tuple[tuple[Segment, tuple[int, ...]], ...]
    missing: tuple[str, ...]
    sizes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Match:
    segment: Segment
    alive: tuple[int, ...]
    chunks: int


def cover(wanted: Mapping[str, str], segments: Iterable[Segment]) -> Cover:
    """Find files (path to blob) in segments, of which earlier ones are preferred.

    Segments of which little is alive, and many small ones, are to be merged: tiers as in O'Neil et al., "The
    Log-Structured Merge-Tree", 1996.
    """
    remaining = dict(wanted)
    sizes: dict[str, int] = {}
    held: list[_Match] = []
    again: list[_Match] = []
    for segment in segments:
        match = _match(segment, remaining)
        if not match.alive:
            continue
        for at in match.alive:
            path = segment.paths[at]
            del remaining[path]
            sizes[path] = int(segment.first[at + 1] - segment.first[at])
        (held if match.chunks >= LEAST_ALIVE * len(segment.spans) else again).append(match)
    kept, merged = _tiered(held)
    return Cover(
        held=tuple(Held(one.segment.name, _others(one)) for one in kept),
        again=tuple((one.segment, one.alive) for one in [*again, *merged]),
        missing=tuple(remaining),
        sizes=sizes,
    )


def _match(segment: Segment, wanted: Mapping[str, str]) -> _Match:
    pairs = zip(segment.paths, segment.blobs, strict=True)
    alive = tuple(at for at, (path, blob) in enumerate(pairs) if wanted.get(path) == blob)
    if len(alive) == len(segment.paths):
        return _Match(segment, alive, len(segment.spans))
    return _Match(segment, alive, sum(int(segment.first[at + 1] - segment.first[at]) for at in alive))


def _others(match: _Match) -> tuple[int, ...]:
    if len(match.alive) == len(match.segment.paths):
        return ()
    alive = set(match.alive)
    return tuple(at for at in range(len(match.segment.paths)) if at not in alive)


def _tiered(matches: Sequence[_Match]) -> tuple[list[_Match], list[_Match]]:
    """Those that stay, and those that are merged into one."""
    tiers: dict[int, list[_Match]] = {}
    for match in matches:
        tiers.setdefault(_tier(match.chunks), []).append(match)
    merged: list[_Match] = []
    for tier in sorted(tiers):
        # What was merged from the tiers below may have grown to be a member of this one.
        grown = bool(merged) and _tier(sum(one.chunks for one in merged)) >= tier
        members = [*merged, *tiers[tier]]
        full = len(tiers[tier]) + grown > TIER_MEMBERS
        if full and sum(one.chunks for one in members) <= MOST_CHUNKS:
            merged = members
    chosen = {id(one) for one in merged}
    return [one for one in matches if id(one) not in chosen], merged


def _tier(chunks: int) -> int:
    tier = 0
    while chunks > TIER_FACTOR**tier:
        tier += 1
    return tier
