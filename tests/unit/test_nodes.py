import pytest

from kibitz.prompts.errors import TreeError
from kibitz.prompts.nodes import (
    Child,
    Node,
    Scope,
    assistant,
    capped,
    fallback,
    first,
    fragment,
    image,
    isolate,
    lines,
    reserve,
    scope,
    system,
    text,
    user,
)


def test_children_may_be_strings_nodes_none_and_lists_of_them() -> None:
    tree = fragment("a", None, ["b", (text("c"), scope("d"))], (letter for letter in "ef"))
    assert [child.label() for child in tree.children] == [
        "text 'a'",
        "text 'b'",
        "text 'c'",
        "scope",
        "text 'e'",
        "text 'f'",
    ]


def test_text_beside_a_message_is_an_error_that_says_where() -> None:
    with pytest.raises(
        TreeError, match=r"scope 'all' > child 2, scope 'stray' > child 1, text 'oops'.*beside messages"
    ):
        scope(system("hello"), scope("oops", name="stray"), name="all")


def test_empty_text_may_stand_beside_messages() -> None:
    assert fragment(system("hello"), "").content == "messages"


def test_a_message_inside_a_message_is_an_error_that_says_where() -> None:
    with pytest.raises(TreeError, match=r"user message > child 2, scope 'deep' > child 1, system message: a message"):
        user("hello", scope(system("inner"), name="deep"))


def test_only_scopes_stand_in_first() -> None:
    with pytest.raises(TreeError, match=r"first > child 2: only scopes may stand in first, not text 'b'"):
        first(scope("a"), "b")


@pytest.mark.parametrize("p", [float("nan"), float("inf"), True, "7"])
def test_a_priority_is_a_finite_number(p: float) -> None:
    with pytest.raises(TreeError, match="scope 'x': a priority is a finite number"):
        scope("a", p=p, name="x")


def test_a_priority_above_the_top_is_refused() -> None:
    with pytest.raises(TreeError, match="above the top"):
        scope("a", p=2e9)


def test_a_scope_has_one_priority() -> None:
    with pytest.raises(TreeError, match="p or prel, not both"):
        scope("a", p=1, prel=1)


@pytest.mark.parametrize("tokens", [-1, 1.5, True])
def test_a_reserve_and_a_limit_are_whole_numbers_of_tokens(tokens: int) -> None:
    with pytest.raises(TreeError, match="whole number of tokens"):
        reserve(tokens)
    with pytest.raises(TreeError, match="whole number of tokens"):
        isolate("a", limit=tokens)


@pytest.mark.parametrize("child", [3, b"bytes", object()])
def test_what_is_no_node_and_no_text_is_refused(child: Child) -> None:
    with pytest.raises(TreeError, match=r"scope > child 1 > child 2: a node or a string, not"):
        scope(["a", child])


def test_isolates_nested_without_end_are_refused() -> None:
    tree: Node = text("a")
    with pytest.raises(TreeError, match="nested more than"):
        for _ in range(200):
            tree = isolate(tree, limit=5)


def test_lines_keep_their_ends_and_get_a_priority_each() -> None:
    made = lines("a\nb\n\nc", lambda number: -number, name="file", path="a.py")
    assert made.texts == ("a\n", "b\n", "\n", "c")
    assert made.priorities == (0, -1, -2, -3)


@pytest.mark.parametrize("levels", [[1], [1, float("nan")], [1, float("inf")], [1, 2e9], [1, True], [1, "2"]])
def test_lines_take_one_priority_each(levels: list[float]) -> None:
    with pytest.raises(TreeError, match="lines 'x'"):
        lines("a\nb\n", levels, name="x")


def test_versions_of_one_thing_fall_back_to_shorter_ones() -> None:
    made = fallback("the whole", "its head", "name", p=7, step=2)
    assert [child.p for child in made.children if isinstance(child, Scope)] == [3, 5, 7]
    with pytest.raises(TreeError, match="fallback"):
        fallback(p=1)


@pytest.mark.parametrize("limit", ["50", "rest -", "0%", "120%", "half", "rest + 5", None])
def test_what_is_no_limit_is_refused(limit: str) -> None:
    with pytest.raises(TreeError, match="capped: a"):
        capped("a", limit=limit)


def test_images_stand_in_messages_of_the_user() -> None:
    picture = image(b"", width=10, height=10)
    assert user("look: ", picture).content == "messages"
    with pytest.raises(TreeError, match="only stand in a user's message"):
        system(picture)
    with pytest.raises(TreeError, match="no size"):
        image(b"", width=0, height=10)


def test_nodes_cannot_be_changed() -> None:
    node = scope("a", p=1)
    with pytest.raises(AttributeError):
        node.p = 2


def test_a_trees_path_in_an_error_is_cut_when_it_is_long() -> None:
    tree: Node = text("lost")
    for _ in range(5_000):
        tree = scope(tree)
    with pytest.raises(TreeError, match="beside messages") as caught:
        fragment(assistant("hello"), tree)
    assert "text 'lost'" in str(caught.value)
    assert len(str(caught.value)) < 500
