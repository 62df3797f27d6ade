"""Expressions are read, matched and asked for what they require: Python's own engine is the yardstick."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.indexer.grams import folded, signature
from kibitz.indexer.matcher import Matcher
from kibitz.indexer.pattern import PatternError, read_pattern
from kibitz.indexer.required import required
from kibitz.indexer.sieve import asked_of, sieve_of
from tests.fakes.patterns import LETTERS, patterns, texts


def lines_of(
    pattern: str, text: str, *, ignore_case: bool = False, fixed: bool = False, word: bool = False
) -> list[str]:
    """The lines that match."""
    matcher = Matcher(pattern, read_pattern(pattern, ignore_case=ignore_case, fixed=fixed, word=word))
    data = text.encode()
    return [data[start:end].decode() for start, end in matcher.lines(data, lambda: False)]


def expected(pattern: str, text: str, *, ignore_case: bool) -> list[str]:
    compiled = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    lines = text.split("\n")
    return [line for line in (lines if lines[-1] else lines[:-1]) if compiled.search(line)]


@settings(max_examples=200, deadline=None)
@given(patterns, texts, st.booleans())
def test_the_lines_that_match_are_those_of_pythons_engine(pattern: str, text: str, ignore_case: bool) -> None:
    if r"\B" in pattern:  # which Python finds nowhere in an empty line, until 3.14
        text = "".join(f"{line}\n" for line in text.split("\n") if line)
    assert lines_of(pattern, text, ignore_case=ignore_case) == expected(pattern, text, ignore_case=ignore_case)


@settings(max_examples=200, deadline=None)
@given(patterns, st.lists(texts, max_size=12), st.booleans())
def test_the_filter_loses_no_file_that_matches(pattern: str, files: list[str], ignore_case: bool) -> None:
    node = read_pattern(pattern, ignore_case=ignore_case)
    matcher = Matcher(pattern, node)
    asked = asked_of(required(node), wide=matcher.is_wide)
    kept = sieve_of([signature(text) for text in files]).may_hold(asked)
    for text, is_kept in zip(files, kept.tolist(), strict=True):
        assert (is_kept and matcher.may_match(text.encode())) or not expected(pattern, text, ignore_case=ignore_case)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=LETTERS + ".*([{\\|^$", min_size=1, max_size=6), texts, st.booleans(), st.booleans())
def test_a_fixed_text_is_found_as_it_is_and_required(text: str, lines: str, ignore_case: bool, word: bool) -> None:
    lines = f"{lines}{text}\n{lines}"
    found = lines_of(text, lines, ignore_case=ignore_case, fixed=True, word=word)
    pattern = re.escape(text)
    pattern = rf"(?:^|\W){pattern}(?:\W|$)" if word else pattern
    assert found == expected(pattern, lines, ignore_case=ignore_case)
    for clause in required(read_pattern(text, ignore_case=ignore_case, fixed=True, word=word)):
        assert any(literal in folded(lines) for literal in clause) or not found


@settings(deadline=None)
@given(st.integers(0, 0x10FFFF).filter(lambda code: not 0xD800 <= code < 0xE000 and code != 10))
def test_letters_that_are_one_without_their_case_have_the_same_grams(code: int) -> None:
    char = chr(code)
    for other in {char.lower(), char.upper(), char.swapcase()}:
        if len(other) == 1 and lines_of(char, other, ignore_case=True, fixed=True):
            assert folded(char) == folded(other)


@pytest.mark.parametrize(
    ("pattern", "clauses"),
    [
        (r"self\.assert(Equal|True)\(", [["self.assertequal(", "self.asserttrue("]]),
        (r"class\s+\w*Pool", [["class"], ["pool"]]),
        (r"(?i)HTTP_?Server", [["http_server", "httpserver"]]),
        (r"[Cc]onfig{2}", [["configg"]]),
        (r"(abc)+", [["abc"]]),
        (r"(one.*two|three)", [["one", "three"], ["three", "two"]]),
        (r"x[0-9][0-9][0-9]y", [[]]),
        (r"\d+", []),
        (r"ab|abcd", []),
        (r".*", []),
    ],
)
def test_what_an_expression_requires(pattern: str, clauses: list[list[str]]) -> None:
    found = [[literal.decode() for literal in clause] for clause in required(read_pattern(pattern))]
    for clause in clauses:
        assert not clause or clause in found
    if not clauses:
        assert found == []


@pytest.mark.parametrize(
    ("pattern", "is_wide"),
    [
        (r"\p{Greek}+", True),
        (r"[\p{Han}]{2,}", True),
        ("é|ü|ß", True),
        (r"\wü", True),
        ("(?i)Ä", True),
        (r"[^\x00-\x7f]", True),
        (r"é?", False),
        ("é|e", False),
        (r"[^a]", False),
        (r"\w", False),
        ("(?i)\u212a", False),  # a Kelvin sign is a k
        ("(?i)\u017f", False),  # a long s is an s
        (r"(?i)[\u212a-\u{2200}]", False),
        ("a", False),
    ],
)
def test_what_holds_a_letter_beyond_ascii_in_any_case(pattern: str, is_wide: bool) -> None:
    assert Matcher(pattern, read_pattern(pattern)).is_wide is is_wide


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(", "never closed, at character 1"),
        ("a)", "closes nothing, at character 2"),
        ("[a", "never closed, at character 1"),
        ("a|*", "nothing that \\* could repeat, at character 3"),
        ("a\\", "escapes nothing"),
        ("[z-a]", "range"),
        ("a{3,2}", "from more to fewer"),
        ("a{5000}", "more than 1000 repetitions"),
        ("((a{1000}){1000}){1000}", "too large"),
        ("(?=a)", "look-around is not supported"),
        (r"(a)\1", "back-references are not supported"),
        (r"a\nb", "within a line"),
        (r"\p{Nothing}", "is not a regular expression"),
        (r"\q", "is not known"),
        ("(?x)a", "only i, s, m and U"),
        ("(" * 200 + ")" * 200, "nested"),
        ("a" * 20_000, "more than 10000 characters"),
        ("", "is empty"),
    ],
)
def test_a_wrong_expression_is_a_sentence(pattern: str, why: str) -> None:
    with pytest.raises(PatternError, match=why):
        Matcher(pattern, read_pattern(pattern))


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ("foo{", "foo{"),
        ("a{,3}", "a{,3}"),
        ("[]x]+", "]"),
        ("[[]", "["),
        (r"[^\n]z", "az"),
        (r"\x41\u0042\u{43}", "ABC"),
        (r"(?P<name>a)(?<other>b)", "ab"),
        ("(?i:AB)c", "abc"),
        ("(?i)ab(?-i)C", "ABC"),
        (r"\p{Greek}\pL", "λx"),
        (r"[[:alpha:]][[:^digit:]]", "a-"),
        (r"\bgröße\b", "die größe!"),
        (r"gr\B", "größe"),
        (r"\wber", "über"),
        ("a.b", "a\u2028b"),
    ],
)
def test_the_language(pattern: str, line: str) -> None:
    assert lines_of(pattern, f"-\n{line}\n\n") == [line]


@pytest.mark.parametrize(
    ("pattern", "line"), [(r"gr\b", "größe"), ("(?i:ab)C", "abc"), (r"[^\W_]", "_"), ("a{2}", "a"), ("[^a]", "a")]
)
def test_what_does_not_match(pattern: str, line: str) -> None:
    assert lines_of(pattern, f"{line}\n") == []


def test_no_expression_takes_more_time_than_the_text_is_long() -> None:
    text = "a" * 100_000 + "b\n" + "ä" + "a" * 2_000 + "b\n"
    assert lines_of("(a+)+$", text) == []
    assert len(lines_of(r"(a|a)*b\b(c*)*$", text)) == 2
    assert lines_of(r"(a|aa)+\bc", text) == []


def test_a_search_ends_when_it_is_late() -> None:
    data = b"x\n" * 400_000
    matcher = Matcher("y", read_pattern("y"))
    asked: list[int] = []

    def is_late() -> bool:
        asked.append(1)
        return len(asked) == 2

    assert list(matcher.lines(data, is_late)) == []
    assert len(asked) == 2


def test_lines_are_found_across_the_windows_of_a_long_text() -> None:
    text = "".join(f"{number:07}\n" for number in range(100_000))
    assert lines_of("^.*99999$", text) == ["0099999"]
    assert len(lines_of("^", text)) == 100_000
    assert len(lines_of("$", text + "end")) == 100_001


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["", "pool", "a pool", "pools", "the pool is é", "po"]), max_size=40), st.booleans())
def test_a_literal_in_many_lines_loses_none(lines: list[str], ends: bool) -> None:
    text = "\n".join(lines) + ("\n" if ends else "")
    for pattern in ("pool$", r"a?\s*pool\w", "^pool|^a pool"):
        assert lines_of(pattern, text) == expected(pattern, text, ignore_case=False)
