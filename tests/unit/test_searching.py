"""What a workspace answers, with an index, without one, and with one that is behind."""

import asyncio
from pathlib import Path

import pytest

from kibitz.indexer.errors import EmbedderBusyError
from kibitz.indexer.filters import Filters
from kibitz.indexer.grep import Query
from kibitz.indexer.layout import places
from kibitz.server.config import Config
from kibitz.server.errors import ModelError
from kibitz.server.rerank import SecondStage
from kibitz.server.unseen import Unseen
from tests.fakes.embedder import HashEmbedder
from tests.fakes.reranker import Scripted
from tests.fakes.workspaces import OurApp, update, written

FILES = {
    "bank.py": "class Account:\n    def withdraw(self, amount):\n        '''Take money out.'''\n",
    "shapes.py": "def circle_area(radius):\n    return 3 * radius\n",
}


@pytest.fixture
def app(tmp_path: Path) -> OurApp:
    return OurApp.of(written(tmp_path / "work", FILES))


def test_without_an_index_the_files_answer_and_the_answer_says_so(app: OurApp) -> None:
    answer = app.search_now("take money out", 5)
    assert [hit.chunk.path for hit in answer.hits] == ["bank.py"]
    assert answer.legs == ("scan",)
    assert answer.freshness.indexed_at == 0.0
    (note,) = answer.notes
    assert "is not indexed yet: run `kibitz index` there first. Until then words are looked for in the files" in note
    (hit,) = app.grep_now(Query(r"circle_\w+"), 5).hits
    assert hit.chunk.path == "shapes.py"


def test_without_an_index_kinds_are_not_known(app: OurApp) -> None:
    answer = app.search_now("take money out", 5, filters=Filters.of(kinds=["class"]))
    assert answer.hits == ()
    assert "nobody knows what kind of code" in answer.notes[0]


async def test_while_the_first_round_runs_that_is_what_is_said(app: OurApp) -> None:
    with app._unseen.round():
        answer = await app.search("take money out", 5)
    assert answer.notes[0].startswith("The first index round is under way. Until then ")
    assert answer.freshness.indexing


def test_with_an_index_the_legs_and_the_round_are_named(app: OurApp) -> None:
    update(app.root)
    answer = app.search_now("take money out", 5)
    assert answer.hits[0].chunk.path == "bank.py"
    assert (answer.legs, answer.notes) == (("lexical", "vector"), ())
    assert answer.freshness.indexed_at > 0
    assert (answer.freshness.indexing, answer.freshness.behind, answer.freshness.lacking) == (False, None, 0)
    assert app.grep_now(Query("def "), 5).legs == ("regex",)


def test_a_round_of_another_process_is_known(app: OurApp) -> None:
    import filelock

    update(app.root)
    with filelock.FileLock(places(app.root, app.config.cache_dir, HashEmbedder()).lock):
        assert app.search_now("money", 5).freshness.indexing
    assert not app.search_now("money", 5).freshness.indexing


def test_what_has_changed_is_behind_until_it_is_ahead(app: OurApp) -> None:
    update(app.root)
    app.changed(())
    assert app.search_now("money", 5).freshness.behind == 0
    app.changed(["bank.py", "new.py"])
    assert app.search_now("money", 5).freshness.behind == 2
    asyncio.run(app.see({"bank.py": "def deposit():\n    '''Put money in.'''\n"}))
    asyncio.run(app.rest())
    answer = app.search_now("deposit", 5)
    assert answer.hits[0].chunk.path == "bank.py"
    assert (answer.freshness.behind, answer.freshness.ahead) == (1, 1)


@pytest.mark.parametrize("error", [EmbedderBusyError("The endpoint is busy.", 1.0), ModelError("It is asleep.")])
def test_while_the_embedder_cannot_answer_words_are_searched(app: OurApp, error: Exception) -> None:
    update(app.root)
    app.error = error
    answer = app.search_now("take money out", 5)
    assert answer.hits[0].chunk.path == "bank.py"
    assert (answer.legs, answer.notes) == (("lexical",), (f"Only words were searched: {error}",))


def test_a_question_without_words_says_so(app: OurApp) -> None:
    for indexed in (False, True):
        if indexed:
            update(app.root)
        answer = app.search_now("?!", 5)
        assert (answer.hits, answer.legs) == ((), ())
        assert answer.notes == ("There are no words in the question: a regular expression finds punctuation.",)


def test_a_round_sees_what_was_told_before_it_began() -> None:
    unseen = Unseen()
    nobody = lambda path: False  # noqa: E731
    assert unseen.files(nobody) is None
    unseen.tell(["a", "b"])
    with unseen.round():
        assert unseen.rounds == 1
        unseen.tell(["b", "c"])
    assert (unseen.rounds, unseen.files(nobody)) == (0, 2)
    assert unseen.files(lambda path: path == "b") == 1
    with pytest.raises(ModelError), unseen.round():
        raise ModelError("It failed.")
    assert (unseen.rounds, unseen.files(nobody)) == (0, 2)


async def test_the_second_stage_orders_a_search_that_asks_for_it_and_only_what_the_filters_let_pass(
    tmp_path: Path,
) -> None:
    files = {f"{n}.py": f"def withdraw():\n    return 'money'\n# ={n}" for n in range(1, 6)}
    app = OurApp.of(written(tmp_path / "work", {**files, "6.ts": "// withdraw money =6"}))
    update(app.root)
    reranker = Scripted()
    app.second_stage = SecondStage(Config(rerank="scripted", rerank_weight=1.0), reranker)
    python = Filters.of(["python"])
    plain = await app.search("withdraw money", 2, filters=python)
    assert (plain.reranked_by, reranker.shown) == ("", [])
    answer = await app.search("withdraw money", 2, filters=python, rerank=True)
    assert [hit.chunk.path for hit in answer.hits] == ["5.py", "4.py"]
    assert (answer.reranked_by, answer.legs, answer.notes) == ("scripted", plain.legs, ())
    assert answer.freshness == plain.freshness
    assert len(reranker.shown) == 5


async def test_notes_of_both_stages_are_told(app: OurApp) -> None:
    app.second_stage = SecondStage(Config(rerank="scripted"), Scripted(error=ModelError("It is asleep.")))
    answer = await app.search("circle money", 5, rerank=True)
    assert {hit.chunk.path for hit in answer.hits} == set(FILES)
    first, second = answer.notes
    assert "words are looked for in the files" in first
    assert second == "It is asleep; the hits are in the order of the first stage."
