"""A workspace whose main language is missing from its index is told so."""

import pytest

from kibitz.indexer.coverage import absent_language
from kibitz.indexer.workspace import Skipped, Survey


def survey_of(*skipped: tuple[str, str]) -> Survey:
    return Survey((), tuple(Skipped(path, rule) for path, rule in skipped), git=True)


def test_a_main_language_that_is_ignored_is_named_with_its_rule() -> None:
    found = survey_of(*((f"lib/{n}.dart", "ignored:git") for n in range(9)), ("a.min.js", "minified"))
    assert absent_language(found, ["tool.py", "README.md"], {}) == (
        "Most source files here are Dart, but 9 of these 9 are left out, most by the rule ignored:git."
    )


def test_files_that_their_content_leaves_out_count() -> None:
    passed = {f"gen/{n}.go": "generated" for n in range(5)}
    said = absent_language(survey_of(), ["a.py"], passed)
    assert said is not None
    assert "go" in said
    assert "generated" in said


def test_a_main_language_without_a_grammar_is_said() -> None:
    said = absent_language(survey_of(), [f"src/{n}.zig" for n in range(5)], {})
    assert said == "Most source files here are Zig, for which there is no grammar: they are cut by lines."


@pytest.mark.parametrize(
    ("skipped", "indexed"),
    [
        ([], []),
        ([("a.dart", "size")], ["b.py"]),  # too few to say anything
        ([(f"{n}.js", "minified") for n in range(4)], [f"{n}.py" for n in range(9)]),
        ([(f"{n}.py", "size") for n in range(4)], [f"in/{n}.py" for n in range(4)]),
        ([(f"x/{n}.c", "repository") for n in range(9)], ["a.py"]),
        ([(f"{n}.json", "data") for n in range(9)], ["a.py"]),
        ([("build/", "ignored:git")] * 9, ["a.py"]),
        ([(f"{n}.js", "ignored:git") for n in range(9)], [f"{n}.ts" for n in range(9)] + ["more.ts"]),
        ([("x/a.js", "ignored:git"), *((f"{n}.js", "ignored:git") for n in range(5))], [f"{n}.tsx" for n in range(5)]),
        ([(".zig", "ignored:git")] * 9, ["a.py"]),
    ],
)
def test_nothing_is_said_where_the_main_language_is_in(skipped: list[tuple[str, str]], indexed: list[str]) -> None:
    assert absent_language(survey_of(*skipped), indexed, {}) is None
