"""Random trees of prompts with every kind of node: names, origins, lines with markers, limits, images, breaks."""

from hypothesis import strategies as st

from kibitz.prompts.nodes import (
    Node,
    ToolCall,
    ToolDefinition,
    assistant,
    cache_point,
    capped,
    fallback,
    first,
    fragment,
    image,
    isolate,
    lines,
    reserve,
    scope,
    shortened,
    system,
    token_break,
    tool,
    tools,
    user,
)

WORDS = st.sampled_from(
    [
        "a",
        "aa",
        "b",
        "ab",
        "\n",
        "\n\n",
        "x = 1\n",
        "    return x\n",
        "/p\n",
        "  \n",
        "foo(",
        ");\n",
        "é",
        "中文",
        "12",
        "😀\n",
    ]
)
TEXTS = st.lists(WORDS, max_size=4).map("".join)
PRIORITIES: st.SearchStrategy[dict[str, float]] = st.one_of(
    st.fixed_dictionaries({"p": st.integers(-3, 6)}),
    st.fixed_dictionaries({"prel": st.sampled_from([-2, -0.5, 1])}),
    st.just({}),
)
NAMES = st.sampled_from(["", "", "one", "two"])
ORIGINS = st.sampled_from(["", "", "a.py:3-9", "notes"])
LIMITS = st.one_of(st.integers(0, 12), st.sampled_from(["50%", "100% - 4", "rest", "rest - 3"]))
FIXED_LIMITS = st.integers(0, 12)


def trees(limits: st.SearchStrategy[int | str]) -> st.SearchStrategy[Node]:
    """Trees of raw text and of messages, whose isolates and capped parts have such limits."""
    text = st.one_of(TEXTS, st.integers(0, 3).map(reserve), _lines(), _shortened(), st.builds(cache_point))
    raw = st.recursive(st.one_of(text, st.builds(token_break)), lambda inner: _wider(inner, limits), max_leaves=10)
    content = st.recursive(text, lambda inner: _wider(inner, limits), max_leaves=6).map(fragment)
    messages = st.one_of(
        st.builds(system, content),
        st.builds(user, content, content, name=st.sampled_from(["", "ann"])),
        st.builds(lambda inner: user(inner, image(b"", width=600, height=30, detail="low"), inner), content),
        st.builds(lambda inner: assistant(inner, calls=[ToolCall("1", "f", "{}")]), content),
        st.builds(lambda inner: tool(inner, call_id="1"), content),
        st.integers(0, 3).map(reserve),
        st.builds(lambda: tools(ToolDefinition("f", "Does.", {"type": "object"}))),
        st.builds(cache_point),
    )
    chat = st.recursive(messages, lambda inner: _wider(inner, limits), max_leaves=6)
    return st.one_of(raw.map(fragment), chat.map(fragment))


def _lines() -> st.SearchStrategy[Node]:
    pieces = st.lists(st.tuples(WORDS, st.integers(-2, 5)), max_size=5)
    return st.builds(
        lambda made, name, path, line: lines(
            [text for text, _ in made], [level for _, level in made], name=name, path=path, line=line
        ),
        pieces,
        NAMES,
        st.sampled_from(["", "src/b.py"]),
        st.integers(1, 90),
    )


def _shortened() -> st.SearchStrategy[Node]:
    return st.builds(
        lambda text, p, keep, path: shortened(text, p=p, keep=keep, path=path, marker="...\n", line=7),
        TEXTS,
        st.integers(-2, 5),
        st.sampled_from(["start", "end", "ends"]),
        st.sampled_from(["", "src/c.py"]),
    )


def _scopes(children: st.SearchStrategy[Node | str]) -> st.SearchStrategy[Node]:
    return st.builds(
        lambda inside, kind, name, origin: scope(*inside, **kind, name=name, origin=origin),
        st.lists(children, max_size=3),
        PRIORITIES,
        NAMES,
        ORIGINS,
    )


def _wider(
    children: st.SearchStrategy[Node | str], limits: st.SearchStrategy[int | str]
) -> st.SearchStrategy[Node | str]:
    several = st.lists(children, max_size=3)
    return st.one_of(
        _scopes(children),
        st.lists(_scopes(children), max_size=3).map(first),
        st.builds(lambda inside, p, name: fallback(*inside, p=p, name=name), several.filter(bool), st.just(3), NAMES),
        st.builds(lambda inside, limit: isolate(*inside, limit=limit), several, limits),
        st.builds(lambda inside, limit: capped(*inside, limit=limit), several, limits),
        several.map(fragment),
    )
