"""What a search may show, by language, place and kind."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.errors import FilterError
from kibitz.indexer.filters import Filters, chunks_inside, files_inside, globbed
from kibitz.indexer.piece import KINDS
from kibitz.indexer.search import Searcher
from kibitz.indexer.types import Hit
from tests.fakes.workspaces import opened, update, written

FILES = {
    "src/session.py": "class Session:\n    limit = 3\n\n\ndef limit_of(session):\n    # the limit of a session\n"
    + "    print(session)\n" * 200,
    "src/close.ts": "export function closeSession(session: Session) {\n  session.close();\n}\n",
    "src/deep/session.go": "package deep\n\n// CloseSession ends a session.\nfunc CloseSession() {}\n",
    "tests/test_session.py": "def test_close_session():\n    Session().close()\n",
    "docs/session.md": "# Session\n\nClose the session.\n",
}


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    root = written(tmp_path_factory.mktemp("filters") / "work", FILES)
    update(root)
    return opened(root)


def paths(hits: list[Hit]) -> set[str]:
    return {hit.chunk.path for hit in hits}


def test_without_filters_all_files_answer(searcher: Searcher) -> None:
    assert paths(searcher.search("close session")) == set(FILES)
    assert not Filters()


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters.of(languages=["python"]), {"src/session.py", "tests/test_session.py"}),
        (Filters.of(languages=["golang", "TS"]), {"src/close.ts", "src/deep/session.go"}),
        (Filters.of(globs=["*.py"]), {"src/session.py", "tests/test_session.py"}),
        (Filters.of(globs=["./src/**"]), {"src/session.py", "src/close.ts", "src/deep/session.go"}),
        (Filters.of(globs=["src/*.{py,ts}"]), {"src/session.py", "src/close.ts"}),
        (Filters.of(globs=["!tests", "!*.{md,ts}"]), {"src/session.py", "src/deep/session.go"}),
        (Filters.of(globs=["src/**", "!**/deep/**"]), {"src/session.py", "src/close.ts"}),
        (Filters.of(kinds=["section"]), {"docs/session.md"}),
        (Filters.of(kinds=["Function"], languages=["python"]), {"src/session.py", "tests/test_session.py"}),
        (Filters.of(kinds=["section"], languages=["python"]), set()),
        (Filters.of(languages=["rust"]), set()),
    ],
)
def test_only_what_passes_is_shown(searcher: Searcher, filters: Filters, found: set[str]) -> None:
    for per_file in (1, 3):
        assert paths(searcher.search("close session", per_file=per_file, filters=filters)) == found


def test_a_file_shows_only_chunks_of_the_kinds_asked_for(searcher: Searcher) -> None:
    for kind in KINDS:
        for per_file in (1, 5):
            hits = searcher.search("Session close limit", 50, per_file=per_file, filters=Filters.of(kinds=[kind]))
            assert {hit.chunk.kind for hit in hits} <= {kind}
    # What the question names by its definition is no way round a filter.
    assert searcher.search("Session", 1)[0].chunk.kind == "class"
    only = Filters.of(kinds=["function"], globs=["src/session.py"])
    (hit,) = searcher.search("Session limit", per_file=1, filters=only)
    assert hit.chunk.symbol == "limit_of"


def test_a_filter_and_a_folder_hold_together(searcher: Searcher) -> None:
    filters = Filters.of(languages=["python"])
    assert paths(searcher.search("close", within="tests", filters=filters)) == {"tests/test_session.py"}
    assert paths(searcher.search("close", within="docs", filters=filters)) == set()


def test_masks_agree_with_the_chunks_themselves(searcher: Searcher) -> None:
    view = searcher.view
    filters = Filters.of(kinds=["function", "method"], languages=["python", "go"])
    mask = chunks_inside(view, filters)
    assert mask is not None
    chunks = [view.chunk(n, view.paths[view.file_of[n]], "") for n in range(len(view.lengths))]
    assert mask.tolist() == [one.kind in filters.kinds and one.language in filters.languages for one in chunks]
    inside = files_inside(view, "", filters)
    assert {view.paths[at] for at in np.flatnonzero(inside)} == {
        chunk.path for chunk, shown in zip(chunks, mask, strict=True) if shown
    }


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"languages": ["pyhton"]}, "There is no language 'pyhton': did you mean 'python'?"),
        ({"languages": ["zzz"]}, "There is no language 'zzz': there are bash, c, "),
        ({"kinds": ["methods"]}, "There is no kind 'methods': did you mean 'method'?"),
        ({"globs": [""]}, "'' is no glob"),
        ({"globs": ["# no"]}, "'# no' is no glob"),
        ({"globs": ["a/{b,c}{d,e}{f,g}{h,i}{j,k}{l,m}{n,o}{p,q}{r,s}"]}, "more than 256 globs"),
    ],
)
def test_a_filter_that_is_none_is_a_sentence(parts: dict[str, list[str]], sentence: str) -> None:
    with pytest.raises(FilterError) as caught:
        Filters.of(**parts)
    assert sentence in str(caught.value)


NAMES = st.text("ab", min_size=1, max_size=3)
PATHS = st.lists(st.lists(NAMES, min_size=1, max_size=3).map("/".join), max_size=8)


@given(PATHS, NAMES)
def test_a_folder_s_glob_means_what_lies_below_it(paths: list[str], folder: str) -> None:
    below = [path.startswith(folder + "/") for path in paths]
    assert globbed(paths, [f"/{folder}/**"]).tolist() == below
    assert globbed(paths, [f"!/{folder}/**"]).tolist() == [not one for one in below]


@given(PATHS, st.lists(NAMES, min_size=1, max_size=3))
def test_braces_mean_each_of_their_parts(paths: list[str], parts: list[str]) -> None:
    separately = [bool(globbed([path], parts)[0]) for path in paths]
    assert globbed(paths, ["{" + ",".join([*parts, "zz"]) + "}"]).tolist() == separately
