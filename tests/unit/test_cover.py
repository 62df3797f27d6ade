"""Which segments hold a workspace, over random histories."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.indexer import cover as covering
from kibitz.indexer.cover import LEAST_ALIVE, TIER_FACTOR, TIER_MEMBERS, Cover, cover
from kibitz.indexer.piece import joined
from kibitz.indexer.segment import Segment, in_memory, segment_name
from tests.fakes.pieces import blob_of, piece_of, trees

Tree = dict[str, list[str]]


def segment_of(tree: Tree) -> Segment:
    piece = piece_of({path: tree[path] for path in sorted(tree) if tree[path]})
    return replace(in_memory(piece), name=segment_name(piece))


def wanted_of(tree: Tree) -> dict[str, str]:
    return {path: blob_of(texts) for path, texts in tree.items() if texts}


def alive_in(covered: Cover, segments: list[Segment]) -> list[tuple[str, str, Segment]]:
    """Path and blob of every file that is held or written again, with its segment."""
    by_name = {one.name: one for one in segments}
    found = []
    for held in covered.held:
        one = by_name[held.segment]
        found += [(one.paths[at], one.blobs[at], one) for at in range(len(one.paths)) if at not in held.dead]
    for one, alive in covered.again:
        found += [(one.paths[at], one.blobs[at], one) for at in alive]
    return found


@settings(deadline=None)
@given(trees, st.lists(trees, max_size=5))
def test_every_file_is_held_once_or_written_again_once_or_missing(tree: Tree, layers: list[Tree]) -> None:
    wanted = wanted_of(tree)
    # Segments of this workspace's past, of others', and those of its files themselves.
    segments = list({one.name: one for one in map(segment_of, layers) if one.paths}.values())
    covered = cover(wanted, segments)
    found = alive_in(covered, segments)
    paths = [path for path, _, _ in found]
    assert sorted([*paths, *covered.missing]) == sorted(wanted)
    assert all(wanted[path] == blob for path, blob, _ in found)
    assert covered.sizes == {path: len(tree[path]) for path in paths}
    there = {(path, blob) for one in segments for path, blob in zip(one.paths, one.blobs, strict=True)}
    assert set(covered.missing) == {path for path, blob in wanted.items() if (path, blob) not in there}
    for held in covered.held:
        assert held.dead == tuple(sorted(set(held.dead)))


@settings(deadline=None)
@given(trees, st.lists(trees, max_size=5))
def test_a_file_in_several_segments_is_taken_from_the_first(tree: Tree, layers: list[Tree]) -> None:
    segments = list({one.name: one for one in map(segment_of, [*layers, tree]) if one.paths}.values())
    covered = cover(wanted_of(tree), segments)
    assert covered.missing == ()
    for path, blob, one in alive_in(covered, segments):
        first = next(each for each in segments if (path, blob) in zip(each.paths, each.blobs, strict=True))
        assert one is first


def files(count: int, *, first: int = 0, chunks: int = 1) -> Tree:
    return {f"f{number:04d}.py": [f"session x{number}"] * chunks for number in range(first, first + count)}


def test_a_segment_of_which_little_is_alive_is_written_anew() -> None:
    one = segment_of(files(10))
    half, less = wanted_of(files(5)), wanted_of(files(4))
    assert LEAST_ALIVE == 0.5
    (held,) = cover(half, [one]).held
    assert held.dead == (5, 6, 7, 8, 9)
    covered = cover(less, [one])
    assert (covered.held, covered.again) == ((), ((one, (0, 1, 2, 3)),))


def test_more_small_segments_than_a_tier_may_have_are_merged() -> None:
    tree = files(TIER_MEMBERS + 1)
    many = [segment_of({path: tree[path]}) for path in tree]
    assert len(cover(wanted_of(tree), many[:-1]).held) == TIER_MEMBERS
    covered = cover(wanted_of(tree), many)
    assert covered.held == ()
    assert {one.name for one, _ in covered.again} == {one.name for one in many}


def test_a_large_segment_is_left_alone_when_small_ones_are_merged() -> None:
    large, tree = segment_of(files(200)), files(TIER_MEMBERS + 1, first=200)
    covered = cover(
        wanted_of(files(200 + TIER_MEMBERS + 1)), [large, *(segment_of({path: tree[path]}) for path in tree)]
    )
    assert [held.segment for held in covered.held] == [large.name]
    assert len(covered.again) == TIER_MEMBERS + 1


def test_what_would_be_too_large_is_not_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(covering, "MOST_CHUNKS", TIER_MEMBERS)
    tree = files(TIER_MEMBERS + 1)
    covered = cover(wanted_of(tree), [segment_of({path: tree[path]}) for path in tree])
    assert (len(covered.held), covered.again) == (TIER_MEMBERS + 1, ())


def tiers(chunks: int) -> int:
    return 1 + next(tier for tier in range(64) if chunks <= TIER_FACTOR**tier)


@settings(deadline=None, max_examples=8)
@given(st.randoms(use_true_random=False))
def test_many_small_rounds_leave_few_segments_and_write_little(chance: random.Random) -> None:
    tree, rounds, written_chunks, changed_chunks = files(60), 120, 0, 0
    segments = [segment_of(tree)]
    for turn in range(rounds):
        for _ in range(chance.choice((1, 1, 1, 2, 10))):
            path = f"f{chance.randrange(80):04d}.py"
            if path in tree and chance.random() < 0.2:
                del tree[path]
            else:
                tree[path] = [f"retry x{turn}"] * chance.randint(1, 3)
        covered = cover(wanted_of(tree), segments)
        again = [one.piece(np.array(alive, np.int64)) for one, alive in covered.again]
        again.append(piece_of({path: tree[path] for path in covered.missing}))
        changed_chunks += again[-1].chunks
        by_name = {one.name: one for one in segments}
        segments = [by_name[held.segment] for held in covered.held]
        whole = joined(again)
        if whole.chunks:
            written_chunks += whole.chunks
            order = np.array(sorted(range(len(whole.paths)), key=whole.paths.__getitem__), np.int64)
            segments.append(replace(in_memory(whole), name=segment_name(whole.take(order))))
        total = sum(map(len, tree.values()))
        assert len(segments) <= TIER_MEMBERS * (tiers(total) + 1) + 1
        after = cover(wanted_of(tree), segments)
        assert after.missing == ()
        assert sorted(path for path, _, _ in alive_in(after, segments)) == sorted(tree)
    # Each chunk is written again when its segment is merged into a larger tier, or when half of that has died.
    assert written_chunks <= changed_chunks * tiers(240)
