"""The examples of docs/prompts.md do what the page says."""

import doctest
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "prompts.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not in the wheel")


def test_every_example_runs_as_written() -> None:
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, encoding="utf-8")
    assert (failed, tried > 15) == (0, True)
