"""Dumped prompts are rendered again as they were, without their secrets; what is no dump is one sentence."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.indexer.secrets import blotted, holds_secret
from kibitz.prompts.chat_template import CHATML
from kibitz.prompts.dump import LARGEST, dump, load, replay
from kibitz.prompts.errors import BudgetError, DumpError
from kibitz.prompts.estimate import EstimatedTokenizer
from kibitz.prompts.model_names import estimate_for
from kibitz.prompts.nodes import Node, fragment, image, isolate, lines, scope, system, text, user
from kibitz.prompts.render import Rendered, render
from kibitz.prompts.rendered import Rendered as Bare
from kibitz.prompts.session import Renderer
from kibitz.prompts.structure import flatten, rebuild
from kibitz.prompts.tokens import TiktokenTokenizer, Tokenizer
from tests.fakes.prompt_trees import LIMITS, trees
from tests.unit.test_render_properties import Letters
from tests.unit.test_secrets import SECRETS

O200K = TiktokenTokenizer("o200k_base")


def fit(tree: Node, budget: int = 500, tokenizer: Tokenizer = O200K) -> Rendered:
    return render(tree, budget_tokens=budget, tokenizer=tokenizer)


@settings(max_examples=250, deadline=None)
@given(trees(LIMITS), st.integers(0, 70), st.sampled_from(["strict", "pack", "value"]))
def test_a_replay_gives_what_was_rendered(tree: Node, budget: int, mode: str) -> None:
    try:
        got = render(tree, budget_tokens=budget, tokenizer=O200K, mode=mode)  # type: ignore[arg-type]
    except BudgetError:
        return
    read = load(dump(got, version="1.2", clean=blotted))
    assert flatten(read.tree) == flatten(tree)
    assert (read.version, read.budget, read.mode) == ("1.2", budget, mode)
    again = replay(read)
    assert again.diff == ""
    assert again.rendered is not None
    assert [(m.role, m.content, m.calls) for m in again.rendered.messages or ()] == [
        (m.role, m.content, m.calls) for m in got.messages or ()
    ]
    assert (again.rendered.text, again.rendered.tokens) == (got.text, got.tokens)
    assert [(p.name, p.origin, p.priority, p.shown, p.text) for p in again.rendered.parts] == [
        (p.name, p.origin, p.priority, p.shown, p.text) for p in got.parts
    ]


@pytest.mark.parametrize("tokenizer", [TiktokenTokenizer("cl100k_base"), EstimatedTokenizer(), estimate_for("qwen3")])
def test_the_tokenizer_and_the_template_are_found_again(tokenizer: Tokenizer) -> None:
    got = render(user("one two 345"), budget_tokens=99, tokenizer=tokenizer, template=CHATML)
    read = load(dump(got))
    assert (read.tokenizer.name, read.template.name) == (tokenizer.name, "chatml")
    assert replay(read).diff == ""


def test_what_has_changed_since_is_shown() -> None:
    value = json.loads(dump(fit(fragment(system("Be brief."), user("Why?\nNow.\n")))))
    value["rendered"]["messages"][1]["content"] = "Why?\nThen.\n"
    value["rendered"]["tokens"] += 1
    diff = replay(load(json.dumps(value))).diff
    assert diff.startswith("--- then\n+++ now\n")
    assert "-Then.\n+Now.\n" in diff
    assert "-tokens: " in diff


def test_another_budget_shows_another_prompt() -> None:
    read = load(dump(fit(fragment("must", scope(" may", p=1)))))
    assert "- may" not in replay(read).diff
    smaller = replay(read, budget_tokens=1)
    assert smaller.rendered is not None
    assert smaller.rendered.text == "must"
    assert "-must may\n+must\n" in smaller.diff
    nothing = replay(read, budget_tokens=0)
    assert nothing.rendered is None
    assert "does not fit 0 tokens" in nothing.diff


def test_a_renderer_with_a_memory_can_be_dumped() -> None:
    renderer = Renderer(O200K)
    renderer.render(text("one"), budget_tokens=9)
    assert replay(load(dump(renderer.render(text("two"), budget_tokens=9)))).diff == ""


# -- secrets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in SECRETS if kind != "key file"])
def test_no_secret_is_in_a_dump(kind: str) -> None:
    secret = SECRETS[kind]
    tree = user(
        scope(f"token = {secret}\n", name=f"token {secret} ", origin=f"{secret}:1"),
        lines(f"a\n{secret}\nb\n", float, name="lines", path="x.py"),
        [scope(line + "\n", p=5) for line in secret.split("\n")],
        scope(f"left out {secret} " * 50, p=-9),
    )
    got = fit(tree, 1_500)
    written = dump(got, clean=blotted)
    value = json.loads(written)
    assert not holds_secret(written)
    assert not holds_secret("".join(str(node.get("text", "")) for node in value["nodes"]))
    assert not any(piece in written for piece in secret.split() if len(piece) > 40)
    assert "left out" in written
    assert replay(load(written)).diff == ""
    assert flatten(load(written).tree) != flatten(tree)


def test_what_replaces_secrets_keeps_the_length() -> None:
    with pytest.raises(DumpError, match="keep the length"):
        dump(fit(text("a secret")), clean=lambda _: "gone")


def test_an_images_data_stays_out() -> None:
    written = dump(fit(user("see", image(b"private", width=9, height=9))))
    assert "private" not in written
    assert "cHJpdmF0ZQ" not in written
    assert replay(load(written)).diff == ""


# -- what cannot be dumped, and what is no dump ------------------------------------------------------------------------


def test_what_cannot_be_rendered_again_is_not_dumped() -> None:
    with pytest.raises(DumpError, match="rendered from"):
        dump(Bare(None, "", 0, 0, 0, 0))
    with pytest.raises(DumpError, match="'letters'"):
        dump(fit(text("a"), tokenizer=Letters()))
    deep: Node = text("x")
    for _ in range(1_000):
        deep = fragment(deep)
    with pytest.raises(DumpError, match="deeper than 1,000"):
        dump(fit(deep))


def test_a_deep_tree_comes_back() -> None:
    deep: Node = text("x")
    for _ in range(999):
        deep = scope(deep, prel=-1)
    assert replay(load(dump(fit(deep)))).diff == ""


GOOD = json.loads(
    dump(
        fit(
            fragment(
                system(scope("a", p=1, name="n")), user(isolate("b", limit="50%"), lines("c\n", float), name="ann")
            )
        )
    )
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "other"}, "its format is not"),
        ({"budget": -1}, "budget"),
        ({"budget": True}, "budget"),
        ({"budget": 10**12}, "budget"),
        ({"mode": "rm"}, "mode is"),
        ({"mode": ["pack"]}, "mode is"),
        ({"tokenizer": "../../secret"}, "Unknown encoding"),
        ({"tokenizer": 7}, "Unknown encoding"),
        ({"template": {}}, "chat template"),
        ({"template": {**GOOD["template"], "start": "1"}}, "counts no tokens"),
        ({"rendered": []}, "what was rendered"),
        ({"nodes": []}, "no list"),
        ({"nodes": [7]}, "node 0: no object"),
        ({"nodes": [{"kind": "__import__"}]}, "node 0: of no kind"),
        ({"nodes": [{"kind": ["text"]}]}, "node 0: of no kind"),
        ({"nodes": [{"kind": "text", "text": 7}]}, "text is no text"),
        ({"nodes": [{"kind": "text", "file": "/etc/passwd"}]}, "'file' is no field"),
        ({"nodes": [{"kind": "scope", "children": [0]}]}, "does not stand before it"),
        ({"nodes": [{"kind": "text"}, {"kind": "scope", "children": [0, 0]}]}, "does not stand before it"),
        ({"nodes": [{"kind": "text"}, {"kind": "text"}]}, "stands in no other"),
        ({"nodes": [{"kind": "text"}, {"kind": "text", "children": [0]}]}, "nothing can stand"),
        ({"nodes": [{"kind": "scope", "p": 10**400}]}, "no number"),
        ({"nodes": [{"kind": "scope", "p": 2e9}]}, "above the top"),
        ({"nodes": [{"kind": "scope", "p": True}]}, "no number"),
        ({"nodes": [{"kind": "lines", "texts": ["a"], "priorities": []}]}, "1 lines and 0 priorities"),
        ({"nodes": [{"kind": "isolate", "limit": {"share": 7}}]}, "limit is none"),
        ({"nodes": [{"kind": "isolate", "limit": 7}]}, "limit is no object"),
        ({"nodes": [{"kind": "reserve", "tokens": -5}]}, "reserve"),
        ({"nodes": [{"kind": "message", "role": "root"}]}, "no role"),
        ({"nodes": [{"kind": "message", "role": "assistant", "calls": [7]}]}, "is no field"),
        ({"nodes": [{"kind": "image", "width": 0, "height": 1, "detail": "low"}]}, "no size"),
        ({"nodes": [{"kind": "image", "detail": "eval"}]}, "detail"),
        ({"nodes": [{"kind": "tools", "definitions": [{"parameters": 3}]}]}, "parameters"),
    ],
)
def test_a_damaged_dump_is_one_sentence(change: dict[str, Any], said: str) -> None:
    with pytest.raises(DumpError, match=said) as error:
        load(json.dumps({**GOOD, **change}))
    sentence = str(error.value)
    assert sentence.startswith("This is no dump of a prompt: ")
    assert "\n" not in sentence
    assert len(sentence) < 300


@pytest.mark.parametrize("written", ["", "{", "[" * 100_000, "7", "null", '{"a": NaN}', "9" * 5_000, '"\\ud800'])
def test_what_is_no_json_of_ours_is_one_sentence(written: str) -> None:
    with pytest.raises(DumpError, match=r"^This is no dump of a prompt: [^\n]*$"):
        load(written)


def test_a_dump_is_bounded() -> None:
    with pytest.raises(DumpError, match="at most 32,000,000 characters"):
        load(" " * (LARGEST + 1))
    chain = [{"kind": "text"}, *({"kind": "scope", "children": [number]} for number in range(1_001))]
    with pytest.raises(DumpError, match="deeper than 1,000"):
        load(json.dumps({**GOOD, "nodes": chain}))
    schema: dict[str, Any] = {}
    for _ in range(200):
        schema = {"a": [schema]}
    with pytest.raises(DumpError, match="deeper than 100"):
        load(json.dumps({**GOOD, "nodes": [{"kind": "tools", "definitions": [{"parameters": schema}]}]}))


JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_dump_with_something_else_in_it_is_read_or_refused(data: st.DataObject) -> None:
    value = json.loads(json.dumps(GOOD))
    at = value
    while True:
        key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        inner = at[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            break
        at = inner
    at[key] = data.draw(JUNK)
    try:
        read = load(json.dumps(value))
    except DumpError as error:
        assert "\n" not in str(error)
        return
    replay(read)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 3_000))
def test_a_dump_that_was_cut_is_refused(length: int) -> None:
    written = json.dumps(GOOD)
    with pytest.raises(DumpError):
        load(written[: min(length, len(written) - 1)])


def test_nodes_come_back_one_by_one() -> None:
    with pytest.raises(DumpError):
        rebuild({"kind": "text"})
    assert flatten(rebuild([{"kind": "text", "text": "a"}])) == [{"kind": "text", "text": "a"}]
