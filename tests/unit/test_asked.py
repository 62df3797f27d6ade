"""How the words of a question meet those of names."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.asked import Asked
from kibitz.indexer.pathnames import likeness, name_words, path_names
from kibitz.indexer.spelt import Spelt

WORDS = st.text("ab", min_size=1, max_size=6)
NAMES = st.lists(st.lists(WORDS, max_size=4).map("_".join), max_size=8)


def met(asked: tuple[str, ...], weights: list[float], name: str) -> float:
    """One name, word for word."""
    words = name_words(name)
    likes = [[likeness(one, word) for one in asked] for word in words]
    if not likes or not asked:
        return 0.0
    recall = sum(weight * max(each) for weight, each in zip(weights, zip(*likes, strict=True), strict=True))
    precision = sum(map(max, likes)) / len(words)
    return 2 * recall * precision / (recall + precision) if recall else 0.0


@given(st.lists(WORDS, max_size=4, unique=True), NAMES, st.data())
def test_many_names_are_met_as_each_would_be(words: list[str], names: list[str], data: st.DataObject) -> None:
    asked = Asked(tuple(words), np.arange(1, len(words) + 1, dtype=np.float32))
    spelt = Spelt(len(names), names.__getitem__, [])
    for _ in range(2):  # what was taken apart before stays the same
        some = data.draw(st.lists(st.sampled_from(range(len(names))), max_size=9)) if names else []
        got = asked.met(spelt.names(np.array(some, np.int64)))
        wanted = [met(tuple(words), asked.weights.tolist(), names[at]) for at in some]
        assert got.tolist() == pytest.approx(wanted, abs=1e-5)


@given(st.lists(st.lists(WORDS, min_size=1, max_size=3).map("/".join), min_size=1, max_size=5))
def test_paths_are_spelt_as_they_are_read(paths: list[str]) -> None:
    spelt = Spelt(0, str, paths)
    files = np.array([len(paths) - 1, 0])
    spelling, told = spelt.paths(files)
    words = [spelling.words.words[number] for number in spelling.numbers.tolist()]
    read = [path_names(paths[at]) for at in files.tolist()]
    assert words == [word for names in (*(one.stem for one in read), *(one.folders for one in read)) for word in names]
    assert spelling.sizes.tolist() == [*(len(one.stem) for one in read), *(len(one.folders) for one in read)]
    assert told.tolist() == pytest.approx(np.array([(one.is_test, one.is_example, *one.flags) for one in read]))
