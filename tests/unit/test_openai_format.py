import pytest

from kibitz.prompts.errors import PromptError
from kibitz.prompts.nodes import (
    ToolCall,
    ToolDefinition,
    assistant,
    cache_point,
    fragment,
    image,
    scope,
    system,
    text,
    token_break,
    tool,
    tools,
    user,
)
from kibitz.prompts.openai_format import messages
from kibitz.prompts.openai_format import tools as tools_of
from kibitz.prompts.render import render
from kibitz.prompts.tokens import TiktokenTokenizer

O200K = TiktokenTokenizer("o200k_base")


def test_names_calls_and_results_are_sent_and_counted() -> None:
    call = ToolCall("call_1", "search", '{"query": "close"}')
    tree = fragment(
        tools(ToolDefinition("search", "Finds code.", {"type": "object"})),
        user("Where is it closed?", name="ada"),
        assistant(calls=[call]),
        tool("src/session.py:6", call_id="call_1"),
    )
    got = render(tree, budget_tokens=500, tokenizer=O200K)
    assert messages(got) == [
        {"role": "user", "content": "Where is it closed?", "name": "ada"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "search", "arguments": '{"query": "close"}'}}
            ],
        },
        {"role": "tool", "content": "src/session.py:6", "tool_call_id": "call_1"},
    ]
    assert tools_of(got)[0]["function"]["name"] == "search"
    bare = render(
        fragment(user("Where is it closed?"), tool("src/session.py:6", call_id="")), budget_tokens=500, tokenizer=O200K
    )
    parts = ["ada", "call_1", "search", '{"query": "close"}', "call_1"]
    assert got.tokens >= bare.tokens + sum(map(O200K.count, parts)) + O200K.count('{"name": "search"}')


def test_a_message_with_a_call_stays_without_any_text() -> None:
    tree = fragment(
        assistant(scope("long " * 50, p=1), calls=[ToolCall("1", "f", "{}")]), assistant(scope("x " * 50, p=1))
    )
    got = render(tree, budget_tokens=40, tokenizer=O200K)
    assert [(message["role"], message["content"]) for message in messages(got)] == [("assistant", "")]


def test_a_cache_point_marks_what_stands_before_it() -> None:
    tree = fragment(system("Be brief."), cache_point(), user("docs ", cache_point(), "question"))
    got = render(tree, budget_tokens=100, tokenizer=O200K)
    assert messages(got) == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "docs question"}]
    marked = messages(got, cache_points=True)
    assert marked[0]["content"] == [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    assert marked[1]["content"] == [
        {"type": "text", "text": "docs ", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "question"},
    ]


@pytest.mark.parametrize(
    ("width", "height", "detail", "tokens"),
    [(1024, 1024, "high", 765), (2048, 4096, "high", 1105), (4096, 8192, "low", 85), (200, 100, "high", 255)],
)
def test_an_image_takes_what_openai_documents(width: int, height: int, detail: str, tokens: int) -> None:
    picture = image(b"\x89PNG", width=width, height=height, detail=detail)  # type: ignore[arg-type]
    without = render(user("Look: ."), budget_tokens=2_000, tokenizer=O200K)
    got = render(user("Look: ", picture, "."), budget_tokens=2_000, tokenizer=O200K)
    assert abs(got.tokens - without.tokens - tokens) <= 1  # a token may lie across the image's place
    kinds = [part["type"] for part in messages(got)[0]["content"]]
    assert kinds == ["text", "image_url", "text"]


def test_a_raw_prompt_has_no_messages_and_pieces_between_its_token_breaks() -> None:
    got = render(fragment("hel", token_break(), "lo"), budget_tokens=9, tokenizer=O200K)
    assert (got.text, got.pieces) == ("hello", ("hel", "lo"))
    assert got.tokens == O200K.count("hel") + O200K.count("lo")
    with pytest.raises(PromptError, match="raw prompt"):
        messages(render(text("a"), budget_tokens=9, tokenizer=O200K))
