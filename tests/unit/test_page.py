"""The page of a prompt: it needs nothing else, nothing in it is obeyed, and its slider shows what a budget shows."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.prompts.errors import BudgetError
from kibitz.prompts.nodes import Node, fragment, isolate, lines, reserve, scope, shortened, system, user
from kibitz.prompts.page import html
from kibitz.prompts.render import Rendered, render
from kibitz.prompts.tokens import TiktokenTokenizer
from tests.fakes.prompt_trees import FIXED_LIMITS, trees

O200K = TiktokenTokenizer("o200k_base")
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="the page's script needs node to run")


def fit(tree: Node, budget: int) -> Rendered:
    return render(tree, budget_tokens=budget, tokenizer=O200K)


def chat() -> Node:
    return fragment(
        system(scope("Be brief.", name="rules")),
        user(
            scope("if a < b: <script>alert(1)</script>\n", p=5, name="code", origin="a.py:1-1"),
            scope("long ago " * 30, p=1, name="notes", origin="notes.md:1-9"),
            scope("Why?", name="question"),
        ),
        reserve(10),
    )


class Elements(HTMLParser):
    """What a browser would make of a page: its elements, and the text of the prompt."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.prompts: list[str] = []
        self.data = ""
        self.script = ""
        self._inside = ""
        self._deep = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._deep = self._deep or tag == "pre"
        if tag == "pre":
            self.prompts.append("")
        if tag == "script":
            self._inside = "data" if ("id", "prompt") in attrs else "script"

    def handle_endtag(self, tag: str) -> None:
        self._deep = self._deep and tag != "pre"
        if tag == "script":
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._deep:
            self.prompts[-1] += data
        if self._inside == "data":
            self.data += data
        elif self._inside == "script":
            self.script += data


def test_the_page_shows_the_prompt_by_origin_and_needs_nothing_else() -> None:
    page = html(fit(chat(), 60))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not re.search(r"(?:src|href)=|https?://|@import|url\(", page)
    assert 'title="code a.py:1-1 - 13 tokens, from a budget of 39"' in page
    assert "<h2>system</h2>" in page
    assert "below the cutoff 5" in page.split("Left out")[1]


def test_a_raw_prompt_has_a_page_too() -> None:
    page = html(fit(fragment("x = ", scope("1\n", p=1, name="suffix")), 50))
    assert "<h2>prompt</h2>" in page
    assert "Nothing." in page


def test_a_relative_limit_is_noted() -> None:
    assert "stay as they are at 50" in html(fit(isolate("x", limit="50%"), 50))
    assert "stay as they are" not in html(fit(isolate("x", limit=9), 50))


def test_only_the_pages_own_script_may_run() -> None:
    page = html(fit(chat(), 60))
    (policy,) = [
        attrs["content"] or ""
        for tag, attrs in Elements(page).elements
        if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert rules == {
        "default-src": "'none'",
        "style-src": digest(style),
        "script-src": digest(Elements(page).script),
    }
    assert not re.search(r"<[^>]+ (?:style|on\w+)=", page)
    assert not re.search(r"innerHTML|insertAdjacent|eval|document\.write", page)


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


HOSTILE = st.one_of(
    st.text(max_size=12),
    st.lists(
        st.sampled_from(
            [
                "</script>",
                "<script>",
                "<!--",
                "]]>",
                "</pre>",
                "</title>",
                '"',
                "'",
                "&lt;",
                "<img onerror=x>",
                "\u2028",
                "\0",
                "\r",
                "</style>",
                "\ud800",
                "&",
                "--><b>",
            ]
        ),
        max_size=4,
    ).map("".join),
)


@settings(max_examples=100, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE, st.booleans())
def test_no_text_becomes_an_element(text: str, name: str, origin: str, raw: bool) -> None:
    inside = fragment(scope(text, p=1, name=name, origin=origin), lines([text], [0], path=origin, name=name))
    left_out = scope(text * 40 + " out" * 300, p=-1, name=name, origin=origin)
    tree = fragment(inside, left_out) if raw else fragment(system("s"), user(inside, left_out))
    plain = fragment(scope("a", p=1), lines(["b"], [0]), scope(" out" * 300, p=-1))
    page = Elements(html(fit(tree, 299)))
    other = Elements(html(fit(plain if raw else fragment(system("s"), user(plain)), 299)))
    allowed = {tag for tag, _ in other.elements} | {"mark", "tr", "td", "pre", "table"}
    assert {tag for tag, _ in page.elements} <= allowed
    assert [tag for tag, _ in page.elements].count("script") == 2
    assert page.script == other.script
    names = {key for _, attrs in page.elements for key in attrs}
    assert names <= {key for _, attrs in other.elements for key in attrs}
    assert json.loads(page.data)["parts"]


@settings(max_examples=60, deadline=None)
@given(trees(FIXED_LIMITS), st.integers(0, 60))
def test_the_page_shows_all_of_the_prompt(tree: Node, budget: int) -> None:
    try:
        got = fit(tree, budget)
    except BudgetError:
        return
    page = Elements(html(got))
    contents = [got.text or ""] if got.messages is None else [message.content for message in got.messages]
    assert page.prompts == contents
    data = json.loads(page.data)
    shown = [piece[0] for part in data["parts"] for piece in part["pieces"] if piece[3]]
    assert "".join(shown) == "".join(contents)


def run_in_node(script: str, given: object) -> Any:
    """Run the page's script with a text behind it; it reads `input` and returns JSON."""
    source = files("kibitz.prompts").joinpath("page.js").read_text(encoding="utf-8")
    reading = 'const input = JSON.parse(require("fs").readFileSync(0, "utf8"));'
    assert NODE is not None
    done = subprocess.run(
        [NODE, "-e", f"{source}\n{reading}\n{script}"],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


@needs_node
def test_the_slider_shows_what_strict_mode_shows_at_every_budget() -> None:
    text = "".join(f"line number {number}\n" for number in range(12))
    tree = fragment(
        system("Be brief."),
        user(shortened(text, p=5, marker="...\n", path="a.py"), scope("notes " * 20, p=4.5, name="notes")),
        scope(user("earlier"), p=3),
    )
    got = fit(tree, 60)
    data = json.loads(Elements(html(got)).data)
    budgets = list(range(10, 160, 3))
    picked = run_in_node(
        "process.stdout.write(JSON.stringify(input.budgets.map((budget) => "
        "[levelAt(input.data, budget), pick(input.data, budget)"
        ".map(([slot, pieces]) => pieces.map((each) => each[1][0]).join(''))])));",
        {"data": data, "budgets": budgets},
    )
    for budget, (level, contents) in zip(budgets, picked, strict=True):
        try:
            mode = "pack" if budget == got.budget else "strict"
            expected = render(tree, budget_tokens=budget, tokenizer=O200K, mode=mode)  # type: ignore[arg-type]
        except BudgetError:
            assert (level, contents) == (None, [])
            continue
        assert contents == [message.content for message in expected.messages or ()]
        if budget != got.budget:
            assert level[1] == expected.tokens + expected.reserved


@needs_node
@settings(max_examples=25, deadline=None)
@given(trees(FIXED_LIMITS))
def test_the_slider_is_right_for_any_tree(tree: Node) -> None:
    try:
        got = render(tree, budget_tokens=40, tokenizer=O200K, mode="strict")
    except BudgetError:
        return
    data = json.loads(Elements(html(got)).data)
    budgets = sorted({near for _, size in data["levels"] for near in (size - 1, size, size + 1)})
    picked = run_in_node(
        "process.stdout.write(JSON.stringify(input.budgets.map((budget) => "
        "pick(input.data, budget).map(([slot, pieces]) => pieces.map((each) => each[1][0]).join('')))));",
        {"data": data, "budgets": budgets},
    )
    for budget, contents in zip(budgets, picked, strict=True):
        try:
            expected = render(tree, budget_tokens=budget, tokenizer=O200K, mode="strict")
        except BudgetError:
            assert contents == []
            continue
        texts = [m.content for m in expected.messages] if expected.messages is not None else [expected.text or ""]
        assert contents == [text for text in texts if text]


DOCUMENT = """
class Element {
  constructor(tag) { this.tag = tag; this.childNodes = []; this.listeners = {}; this.text = ""; this.attributes = {}; }
  get textContent() { return this.text + this.childNodes.map((each) => each.textContent).join(""); }
  set textContent(text) { this.text = text; this.childNodes = []; }
  append(...nodes) { this.childNodes.push(...nodes); }
  replaceChildren(...nodes) { this.text = ""; this.childNodes = nodes; }
  addEventListener(kind, listener) { this.listeners[kind] = listener; }
  setAttribute(name, value) { this.attributes[name] = value; }
}
const ids = {};
const fake = {
  getElementById: (id) => (ids[id] ??= new Element(id)),
  createElement: (tag) => new Element(tag),
};
"""


@needs_node
def test_moving_the_slider_shows_another_prompt_and_the_way_back() -> None:
    got = fit(chat(), 60)
    page = html(got)
    seen = run_in_node(
        DOCUMENT + "fake.getElementById('prompt').textContent = input.data;"
        "for (const id of ['view', 'sizes', 'shown', 'left']) fake.getElementById(id).append(new Element('original'));"
        "fake.getElementById('view').childNodes[0].text = 'as it was';"
        "start(fake);"
        "const at = () => ({budget: ids.budget.value, view: ids.view.textContent, sizes: ids.sizes.textContent,"
        " left: ids.left.textContent, out: ids.at.textContent, hidden: ids.slide.hidden});"
        "const seen = [at()];"
        "ids.less.listeners.click(); seen.push(at());"
        "ids.less.listeners.click(); seen.push(at());"
        "for (let n = 0; n < 9; n++) ids.more.listeners.click(); seen.push(at());"
        "ids.budget.value = '5'; ids.budget.listeners.input(); seen.push(at());"
        "ids.back.listeners.click(); seen.push(at());"
        "process.stdout.write(JSON.stringify(seen.concat([{budget: ids.budget.min + '-' + ids.budget.max}])));",
        {"data": Elements(page).data},
    )
    start, less, least, most, none, back, ends = seen
    assert (start["budget"], start["view"], start["hidden"]) == ("60", "as it was", False)
    assert less["budget"] == "39"
    assert "<script>alert(1)</script>" in less["view"]
    assert "cutoff 5" in less["sizes"]
    assert "<script>" not in least["view"]
    assert "from a budget of 39" in least["left"]
    assert "long ago" in most["view"]
    assert "Nothing fits" in none["sizes"]
    assert none["view"] == ""
    assert back == start | {"view": "as it was"}
    assert ends["budget"] == f"{least['budget']}-{most['budget']}"


def test_lines_that_come_one_by_one_leave_the_page_small() -> None:
    text = "".join(f"value_{number} = compute({number})\n" for number in range(2_000))
    page = html(fit(lines(text, float, path="a.py"), 8_000))
    assert len(page) < 4 * len(text)
    assert "value_1999 = compute(1999)" in page
