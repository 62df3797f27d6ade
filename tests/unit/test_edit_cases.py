"""Made-up answers about this program's own functions: none may be applied otherwise than it was meant."""

from collections import Counter
from pathlib import Path

import pytest

from tests.bench.edit_cases import cases
from tests.bench.edit_functions import Function, functions_of
from tests.bench.edit_several_cases import several_cases
from tests.bench.edits import RIGHT, TIMID, WRONG, outcome, outcome_of_several

SERVER = Path(__file__).parent.parent.parent / "server"


@pytest.fixture(scope="module")
def functions() -> list[Function]:
    return functions_of(SERVER / "edit")


def test_edits_land_where_they_were_meant_or_nowhere(functions: list[Function]) -> None:
    counts: Counter[str] = Counter()
    for case in cases(functions, 25, seed=11):
        what, why = outcome(case)
        assert what != WRONG, f"{case.kind}\n{case.answer}\n{why}"
        counts[what] += 1
    assert counts.total() == 325
    assert counts[RIGHT] > counts.total() / 2
    assert counts[TIMID] <= counts.total() / 20


def test_edits_of_several_files_land_all_where_they_were_meant_or_nowhere(functions: list[Function]) -> None:
    counts: Counter[str] = Counter()
    for case in several_cases(functions, 7, seed=11):
        what, why = outcome_of_several(case)
        assert what != WRONG, f"{case.kind}\n{case.answer}\n{why}"
        counts[what] += 1
    assert counts.total() == 70
    assert counts[RIGHT] > counts.total() / 3
    assert counts[TIMID] <= counts.total() / 10
