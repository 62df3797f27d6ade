"""The context of a completion, gathered from a small workspace with an index and from open documents without one."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from kibitz.indexer.types import Chunk, Hit, Span
from kibitz.prompts.templates.context import Context, RecentEdit
from kibitz.server.completion import gathered, material
from kibitz.server.completion.gather import Gatherer, Known
from kibitz.server.completion.gathered import FRESH_S, LINES, Gathered
from kibitz.server.completion.recent import Replaced
from kibitz.server.completion.snapshot import Snapshot
from tests.fakes.cursor import at_cursor
from tests.fakes.workspaces import OurApp, opened, update, written

FILES = {
    "shop/cart.py": (
        "from shop.money import Money\n\n\nclass Cart:\n    def total_price(self) -> Money:\n"
        "        return sum(self.rows)\n\n    def add_row(self, row: int) -> None:\n        self.rows.append(row)\n"
    ),
    "shop/money.py": "class Money:\n    def in_cents(self) -> int:\n        return self.cents\n",
    "shop/pay.py": "",
    "shop/pay_test.py": "def test_pay():\n    assert paid_in_full(cart_of_three())\n",
    "other/zoo.py": "def feed(lion):\n    lion.roar_loudly()\n",
    ".gitignore": "private/\n",
    "private/keys.py": "def total_price_of_secrets(cart):\n    return cart\n",
}
AT = at_cursor("from shop.cart import Cart\n\n\ndef pay(cart: Cart):\n    due = cart.║\n", path="shop/pay.py")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = written(tmp_path / "work", FILES)
    update(root)
    return root


def texts(context: Context) -> str:
    """All that is shown, each under its label."""
    items = [*(each.item for each in context.definitions), *context.items]
    return "\n".join(f"# {item.label}\n{item.text}" for item in items)


def gather(root: Path, at: Snapshot = AT, known: Known | None = None, budget_tokens: int = 2_000) -> Context:
    answering = opened(root).answering
    return Gatherer().gather(at, known or Known(), budget_tokens=budget_tokens, answering=answering)


def test_what_is_imported_and_what_stands_beside_is_looked_at(root: Path) -> None:
    shown = texts(gather(root))
    assert "total_price" in shown
    assert "paid_in_full" in shown
    assert "roar_loudly" not in shown


def test_a_class_in_use_is_outlined_with_its_members(root: Path) -> None:
    (one,) = gather(root).definitions
    assert one.item.text == (
        "class Cart\n    def total_price(self) -> Money\n    def add_row(self, row: int) -> None\n"
    )
    assert one.item.path == "shop/cart.py"


def test_an_open_document_is_read_as_the_editor_has_it_and_only_where_the_index_has_it(root: Path) -> None:
    written_now = "def cart_total(cart):\n    return cart.newly_written()\n"
    known = Known(recent=[("private/keys.py", FILES["private/keys.py"]), ("other/zoo.py", written_now)])
    shown = texts(gather(root, known=known))
    assert "newly_written" in shown
    assert "roar_loudly" not in shown
    assert "secrets" not in shown


def test_changes_elsewhere_are_shown_and_those_near_the_cursor_not(root: Path) -> None:
    edits = [
        RecentEdit("private/keys.py", 1, 1, "-a\n+b\n"),
        RecentEdit("shop/cart.py", 5, 5, "-total\n+total_price\n"),
        RecentEdit("shop/pay.py", 4, 4, "+near\n"),
    ]
    assert gather(root, known=Known(edits=edits)).edits == [edits[1]]


def test_the_rest_of_a_long_document_is_context_too_and_heads_that_are_far_away(root: Path) -> None:
    far = "def pay_later(cart):\n    return cart.instalments_of(3)\n\n\n"
    long = "".join(f"        step_{number} = {number}\n" for number in range(90))
    at = at_cursor(f"{far}class Checkout:\n    def pay(self, cart):\n{long}        due = cart.║\n", path="shop/pay.py")
    shown = texts(gather(root, at))
    assert "instalments_of" in shown
    assert "class Checkout:\n    def pay(self, cart):\n" in shown


def test_a_small_budget_leaves_the_prompt_to_the_lines_at_the_cursor(root: Path) -> None:
    assert not gather(root, budget_tokens=64)


def test_context_has_its_share_and_what_a_short_document_leaves(root: Path) -> None:
    many = "\n".join(f"def pay_{number}(cart):\n    return cart.due_{number}()\n" for number in range(500))
    long = at_cursor("cart.rows()\n" * 300 + "cart.║\n" + "cart.rows()\n" * 300, path="shop/pay.py")
    of_long, of_short = (len(texts(gather(root, at, Known(recent=[("other/zoo.py", many)])))) for at in (long, AT))
    assert 1_000 < of_long < 1_000 * 5
    assert of_long < of_short < 2_000 * 5


def test_without_an_index_open_documents_that_the_rules_let_in_serve(tmp_path: Path) -> None:
    app = OurApp.of(written(tmp_path / "work", FILES))
    app.recent.opened("private/keys.py", lambda: FILES["private/keys.py"])
    app.recent.opened("shop/cart.py", lambda: FILES["shop/cart.py"])
    app.recent.changed("private/keys.py", lambda: "", [Replaced(0, (), ("secret\n",))])
    context = asyncio.run(app.gathering.at(AT, (), 2_000))
    assert "total_price" in texts(context)
    assert "secrets" not in texts(context)
    assert not context.edits


async def test_an_edit_is_given_the_outlines_of_what_its_target_names(root: Path, tmp_path: Path) -> None:
    (one,) = await OurApp.of(root).gathering.outlines("shop/pay.py", "due = Cart().rows", 200)
    assert one.item.text.startswith("class Cart\n")
    assert await OurApp.of(written(tmp_path / "other", FILES)).gathering.outlines("shop/pay.py", "Cart", 200) == []


def test_what_is_remembered_is_bounded_and_what_is_forgotten_is_read_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = texts(gather(root))
    monkeypatch.setattr(material, "MOST_LINES", 1)
    monkeypatch.setattr(material, "MOST_WORDS", 1)
    gatherer, answering = Gatherer(), opened(root).answering
    for _ in range(2):
        shown = texts(gatherer.gather(AT, Known(), budget_tokens=2_000, answering=answering))
        assert sorted(shown) == sorted(whole)


class Work:
    """Gathers nothing but edits that tell the call's number; waits for a gate."""

    def __init__(self) -> None:
        self.begun = 0
        self.read_s: list[float] = []

    def begin(self, at: Snapshot, hits: Sequence[Hit], budget: int, read_s: float) -> Callable[[], Context]:
        self.begun += 1
        self.read_s.append(read_s)
        context = Context(edits=[RecentEdit(at.path, self.begun, self.begun, "")])
        return lambda: context


HITS = [Hit(Chunk("b.py", Span(0, 1), "found()\n", "function", "python", "found"), 1.0, ("lexical",))]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathered, "LOOK_AFTER_S", 0)
    monkeypatch.setattr(gathered, "PATIENCE_S", 30)


async def number(of: Gathered, drawn: str, path: str = "a.py", hits: Sequence[Hit] = HITS) -> int:
    return (await of.at(at_cursor(drawn, path=path), hits, 1_000)).edits[0].start_line


@pytest.mark.usefixtures("at_once")
async def test_on_its_line_the_context_stays_and_on_the_next_it_is_gathered_meanwhile() -> None:
    of = Gathered(Work().begin)
    assert [await number(of, "║"), await number(of, "x║"), await number(of, "x y║")] == [1, 1, 1]
    assert await number(of, "\n║") == 1
    await asyncio.sleep(0.05)
    assert await number(of, "\nx║") == 2


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(("drawn", "path"), [("\n" * (LINES + 1) + "║", "a.py"), ("║", "c.py")])
async def test_a_new_place_is_waited_for_and_read_at_leisure_afterwards(drawn: str, path: str) -> None:
    work = Work()
    of = Gathered(work.begin)
    await number(of, "║")
    assert await number(of, drawn, path) == 2
    await asyncio.sleep(0.05)
    assert await number(of, drawn, path) == 3
    assert work.read_s == [float("inf"), gathered.READING_SHARE * gathered.PATIENCE_S, float("inf")]
    of.close()


@pytest.mark.usefixtures("at_once")
async def test_old_context_does_not_serve() -> None:
    now = [0.0]
    of = Gathered(Work().begin, clock=lambda: now[0])
    await number(of, "║")
    now[0] = FRESH_S + 1
    assert await number(of, "║") == 2
    of.close()


@pytest.mark.usefixtures("at_once")
async def test_context_that_knew_of_no_hits_serves_until_there_are_some() -> None:
    of = Gathered(Work().begin)
    assert [await number(of, "║", hits=()), await number(of, "x║", hits=())] == [1, 1]
    assert await number(of, "xy║") == 2
    of.close()


@pytest.mark.usefixtures("at_once")
async def test_a_request_that_is_cancelled_leaves_its_work_to_the_next_one() -> None:
    gate, work = threading.Event(), Work()

    def begin(at: Snapshot, hits: Sequence[Hit], budget: int, read_s: float) -> Callable[[], Context]:
        done = work.begin(at, hits, budget, read_s)
        return lambda: done() if gate.wait(10) else Context()

    of = Gathered(begin)
    first = asyncio.create_task(number(of, "║"))
    await asyncio.sleep(0)
    first.cancel()
    second = asyncio.create_task(number(of, "x║"))
    await asyncio.sleep(0)
    gate.set()
    assert await second == 1
    assert work.begun == 1


@pytest.mark.parametrize(("first_token_s", "share"), [(None, 1), (9.0, 1), (gathered.PATIENCE_S, 0.2), (0.0, 0)])
async def test_a_model_that_begins_fast_is_kept_waiting_less(first_token_s: float | None, share: float) -> None:
    work = Work()
    of = Gathered(work.begin, first_token_s=lambda: first_token_s)
    await number(of, "║")
    await of.at(at_cursor("║", path="c.py"), HITS, 1_000)
    assert work.read_s[1] == pytest.approx(gathered.READING_SHARE * share * gathered.PATIENCE_S)
    of.close()


async def test_what_takes_too_long_is_for_the_next_key() -> None:
    of = Gathered(Work().begin, first_token_s=lambda: 0.0)
    await number(of, "║")
    first = await of.at(at_cursor("║", path="c.py"), HITS, 1_000)
    assert [item.text for item in first.items] == ["found()\n"]
    await asyncio.sleep(0.05)
    assert await number(of, "║", "c.py") == 2
