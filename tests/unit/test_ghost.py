"""When a model is asked for ghost text, and what is counted of it."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.server.completion.debounce import LEAST_S, MOST_S, UNKNOWN_S, Rhythm, wait_s
from kibitz.server.completion.ghost import CANDIDATES, Ghost, Offer
from kibitz.server.completion.quiet import ENOUGH_SHOWN, MOST_SHOWN, PROBE_EVERY, REPORTS, Counts, keeps_silent, kind_of
from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.completion.stats import FILE, Stats, is_kept, percentiles
from kibitz.server.completion.suggest import Suggestion
from kibitz.server.completion.switches import is_off
from kibitz.server.config import Config, load
from kibitz.server.errors import ConfigError
from tests.fakes.cursor import at_cursor

URI = "file:///a.py"


class App:
    """Suggests the same always and remembers where it was asked."""

    def __init__(self, data_dir: Path, *texts: str, off: tuple[str, ...] = ()) -> None:
        self.config = Config(data_dir=data_dir, completion_off=off)
        self.texts = texts
        self.asked: list[Snapshot] = []
        self.prepared: list[Snapshot] = []

    def prepare(self, at: Snapshot, due_s: float) -> None:
        self.prepared.append(at)

    async def suggest(self, at: Snapshot) -> Suggestion | None:
        self.asked.append(at)
        return Suggestion(self.texts[0]) if self.texts else None

    async def suggest_several(self, at: Snapshot, count: int) -> Sequence[Suggestion]:
        self.asked.append(at)
        return [Suggestion(text) for text in self.texts[:count]]

    def first_token_s(self) -> float | None:
        return 0.1


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def ghost(app: App) -> tuple[Ghost, Time]:
    time = Time()
    return Ghost(lambda _: app, clock=time, sleep=time.sleep), time


async def test_typing_through_asks_once(tmp_path: Path) -> None:
    app = App(tmp_path, "compute(1)")
    shown, time = ghost(app)
    assert await shown.offer(URI, at_cursor("x = ║"), automatic=True) == Offer(1, ("compute(1)",))
    assert await shown.offer(URI, at_cursor("x = comp║"), automatic=True) == Offer(1, ("ute(1)",))
    assert await shown.offer(URI, at_cursor("x = co║"), automatic=True) == Offer(1, ("mpute(1)",))
    assert (len(app.asked), len(time.slept)) == (1, 1)
    assert shown.stats.counts["python", "line"] == Counts(shown=1)


async def test_who_asks_by_hand_gets_several_and_waits_for_no_key(tmp_path: Path) -> None:
    shown, time = ghost(App(tmp_path, "a()", "b()", "c()", "d()"))
    offer = await shown.offer(URI, at_cursor("x = ║"), automatic=False)
    assert offer is not None
    assert len(offer.texts) == CANDIDATES
    assert time.slept == []


async def test_the_next_suggestion_is_asked_for_once_one_is_taken(tmp_path: Path) -> None:
    app = App(tmp_path, "compute(1)")
    shown, time = ghost(app)
    shown.look_ahead(URI, at_cursor("x = compute(1)║"))
    assert await shown.offer(URI, at_cursor("x = compute(1)║"), automatic=True) == Offer(1, ("compute(1)",))
    assert (len(app.asked), time.slept) == (1, [])


async def test_a_question_ahead_for_another_text_is_called_off(tmp_path: Path) -> None:
    app = App(tmp_path, "compute(1)")
    shown, _ = ghost(app)
    shown.look_ahead(URI, at_cursor("x = compute(1)║"))
    await shown.offer(URI, at_cursor("y║"), automatic=True)
    assert [at.prefix for at in app.asked] == ["y"]


async def test_where_it_is_off_nothing_is_asked(tmp_path: Path) -> None:
    app = App(tmp_path, "compute(1)", off=("python",))
    assert await ghost(app)[0].offer(URI, at_cursor("x = ║"), automatic=False) is None
    assert app.asked == []


async def test_what_becomes_of_a_suggestion_is_counted_once_and_without_its_text(tmp_path: Path) -> None:
    shown, time = ghost(App(tmp_path, "secret_name(1)"))
    await shown.offer(URI, at_cursor("x = ║"), automatic=True)
    for _ in range(2):
        shown.partly_accepted(1)
        found = shown.accepted(1)
    assert found is not None
    texts = iter(["x = secret_name(1)", "x = another()"])
    await shown.look_again(found[1], lambda: next(texts))
    assert time.slept[1:] == [30.0, 270.0]
    assert shown.accepted(99) is None
    shown.close()
    text = (tmp_path / FILE).read_text("utf-8")
    assert "secret" not in text
    (place,) = Stats(tmp_path / FILE).as_json()["places"]
    counts = Counts(shown=1, accepted=1, partial=1, looked_30s=1, kept_30s=1, looked_5m=1)
    assert Stats(tmp_path / FILE).counts == {("python", "line"): counts}
    assert (place["language"], place["kind"]) == ("python", "line")


async def test_a_document_that_was_closed_is_not_looked_at(tmp_path: Path) -> None:
    shown, _ = ghost(App(tmp_path, "a()"))
    await shown.offer(URI, at_cursor("x = ║"), automatic=True)
    found = shown.accepted(1)
    assert found is not None
    await shown.look_again(found[1], lambda: None)
    assert shown.stats.counts["python", "line"].looked_30s == 0


async def test_where_nothing_is_taken_it_grows_silent_and_asks_now_and_then(tmp_path: Path) -> None:
    app = App(tmp_path, "a()")
    shown, _ = ghost(app)
    shown.stats.add(("python", "line"), shown=ENOUGH_SHOWN)
    shown.stats.add(("go", "line"), shown=REPORTS, accepted=REPORTS)
    for number in range(PROBE_EVERY):
        await shown.offer(URI, at_cursor(f"x{number} = ║"), automatic=True)
    assert len(app.asked) == 1
    await shown.offer(URI, at_cursor("y = ║"), automatic=False)
    assert len(app.asked) == 2


# -- the pure parts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gap_s", "first_token_s", "wait"),
    [
        (None, None, UNKNOWN_S),
        (0.15, 0.01, LEAST_S),
        (0.15, 0.1, 0.05),
        (0.1, 2.0, 0.12),
        (0.9, 2.0, MOST_S),
        (None, 2.0, MOST_S),
    ],
)
def test_the_wait_follows_the_typing_and_the_model(
    gap_s: float | None, first_token_s: float | None, wait: float
) -> None:
    assert wait_s(gap_s, first_token_s) == pytest.approx(wait)


@given(st.none() | st.floats(0, 10), st.none() | st.floats(0, 60))
def test_the_wait_has_bounds(gap_s: float | None, first_token_s: float | None) -> None:
    assert LEAST_S <= wait_s(gap_s, first_token_s) <= MOST_S


def test_a_pause_is_no_rhythm() -> None:
    rhythm = Rhythm()
    for now in (0.0, 0.1, 0.2, 9.0, 9.1):
        rhythm.typed(now)
    assert rhythm.gap_s == pytest.approx(0.1)
    assert Rhythm().gap_s is None


@pytest.mark.parametrize(
    ("counts", "anywhere", "silent"),
    [
        (Counts(shown=ENOUGH_SHOWN), REPORTS, True),
        (Counts(shown=ENOUGH_SHOWN - 1), REPORTS, False),
        (Counts(shown=ENOUGH_SHOWN, accepted=2), REPORTS, False),
        (Counts(shown=ENOUGH_SHOWN, partial=2), REPORTS, False),
        (Counts(shown=ENOUGH_SHOWN), REPORTS - 1, False),
    ],
)
def test_silence_follows_the_counts(counts: Counts, anywhere: int, silent: bool) -> None:
    assert keeps_silent(counts, anywhere, 1) is silent
    assert keeps_silent(counts, anywhere, PROBE_EVERY) is False


def test_one_that_is_taken_again_ends_the_silence() -> None:
    counts = Counts(shown=MOST_SHOWN)
    asked = 0
    while keeps_silent(counts, REPORTS, asked := asked + 1) or asked < PROBE_EVERY * 5:
        if not keeps_silent(counts, REPORTS, asked):
            counts = counts.plus(shown=1, accepted=1)
    assert counts.shown < MOST_SHOWN


@pytest.mark.parametrize(
    ("drawn", "kind"),
    [("    ║", "new line"), ("x = ║", "line"), ("# a ║", "text"), ('x = "a ║"', "text"), ("║", "new line")],
)
def test_places_have_kinds(drawn: str, kind: str) -> None:
    assert kind_of(at_cursor(drawn)) == kind


@pytest.mark.parametrize(
    ("text", "document", "kept"),
    [
        ("a = 1\n    b = compute(2)", "a = 2\nb = compute(2)\n", True),
        ("b = compute(2)", "b = compute(3)", False),
        ("b = compute(2)", "", False),
    ],
)
def test_kept_is_most_of_it(text: str, document: str, kept: bool) -> None:
    assert is_kept(text, document) is kept


def test_two_processes_count_together(tmp_path: Path) -> None:
    one, other = Stats(tmp_path / FILE), Stats(tmp_path / FILE)
    one.add(("go", "line"), shown=2)
    one.took(0.2)
    other.add(("go", "line"), shown=3)
    other.took(0.4)
    one.save(now=True)
    other.save(now=True)
    told = Stats(tmp_path / FILE).as_json()
    assert told["places"][0]["shown"] == 5
    assert told["latency_ms"] == {"p50": 300, "p90": 380, "p95": 390, "count": 2}


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"version": 1, "places": [1, {"shown": "x"}], "latencies": ["a", -1]}']
)
def test_a_damaged_file_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, "utf-8")
    assert Stats(tmp_path / FILE).as_json()["places"] == []
    assert percentiles([]) == {"p50": None, "p90": None, "p95": None, "count": 0}


@pytest.mark.parametrize(
    ("patterns", "path", "off"),
    [
        (["python"], "src/a.py", True),
        (["Python"], "src/a.py", True),
        (["go"], "src/a.py", False),
        (["**/*.env"], "a/b/x.env", True),
        (["**/*.env"], "x.env", True),
        (["*.env"], "a/x.env", True),
        (["vendor/"], "vendor/a.py", True),
        (["src/*.py"], "src/a.py", True),
        (["src/*.py"], "src/b/a.py", False),
        (["*.py", "!a.py"], "a.py", True),
        ([], "a.py", False),
    ],
)
def test_switches(patterns: list[str], path: str, off: bool) -> None:
    assert is_off(patterns, path, "python") is off


def test_a_workspace_may_switch_more_off_and_nothing_on(tmp_path: Path) -> None:
    (tmp_path / "user.toml").write_text('completion_off = ["markdown"]', "utf-8")
    (tmp_path / ".kibitz.toml").write_text('completion_off = ["**/*.env", "!secret.env"]', "utf-8")
    config = load(tmp_path, {}, user_file=tmp_path / "user.toml")
    assert is_off(config.completion_off, "README.md", "markdown")
    assert is_off(config.completion_off, "secret.env", "")
    assert load(tmp_path, {"KIBITZ_COMPLETION_OFF": "go,*.sql"}, user_file=tmp_path / "no").completion_off == (
        "go",
        "*.sql",
    )


@pytest.mark.parametrize("glob", ["[z-a]*", "*\\"])
def test_a_glob_that_is_none_is_a_sentence(glob: str) -> None:
    with pytest.raises(ConfigError, match="completion_off"):
        is_off([glob], "a.py", "python")


def test_the_file_is_small(tmp_path: Path) -> None:
    stats = Stats(tmp_path / FILE)
    for number in range(10_000):
        stats.add(("go", "line"), shown=1)
        stats.took(number)
    stats.save(now=True)
    assert len(json.dumps(json.loads((tmp_path / FILE).read_text("utf-8")))) < 5_000
    assert stats.counts["go", "line"].shown <= MOST_SHOWN
