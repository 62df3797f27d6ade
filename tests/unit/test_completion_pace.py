"""The budget of ghost text: what is measured, what is remembered, what is damaged."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kibitz.prompts.pace import Choice
from kibitz.prompts.rendered import Rendered
from kibitz.server.app import build_app
from kibitz.server.cli import run
from kibitz.server.completion.pace import FILE, MOST_MODELS, CompletionPace
from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.config import Config
from kibitz.server.errors import ModelError
from kibitz.server.llm.ports import ChatMessage, Delta
from tests.fakes.models import ScriptedChat
from tests.fakes.openai_server import FakeOpenAI, Reply

CONFIG = Config()
UNKNOWN = "as much as the settings allow: its speed is not known yet"


class Reader:
    """A completer that takes as long as it is told, by a clock of its own."""

    name = "reader"

    def __init__(self) -> None:
        self.now = 0.0
        self.takes_s = 0.0
        self.hangs = False
        self.closed = 0

    def clock(self) -> float:
        return self.now

    async def complete(self, prompt: str, **_options: object) -> AsyncIterator[Delta]:
        try:
            self.now += self.takes_s
            if self.hangs:
                await asyncio.Event().wait()
            yield Delta("x")
            self.now += 100
            yield Delta(finish_reason="stop")
        finally:
            self.closed += 1


def prompt(text: str) -> Rendered:
    return Rendered(messages=None, text=text, tokens=len(text), reserved=128, budget=2048, cutoff=0.0)


async def ask(pace: CompletionPace, reader: Reader, text: str, takes_s: float) -> None:
    reader.takes_s = takes_s
    async for _ in pace.timed(reader, prompt(text)).complete(text, max_tokens=1):
        pass


async def use(pace: CompletionPace, reader: Reader, a_token_s: float, count: int = 12) -> None:
    """Ask for prompts of many sizes that have nothing in common."""
    for number in range(count):
        size = 100 + 150 * number
        await ask(pace, reader, chr(65 + number) * size, a_token_s * size)


async def test_the_budget_follows_what_was_measured_and_the_first_answer_is_not_counted(tmp_path: Path) -> None:
    reader = Reader()
    pace = CompletionPace(tmp_path, "m", clock=reader.clock)
    assert (pace.choose(CONFIG).tokens, pace.choose(CONFIG).why) == (2048, UNKNOWN)
    await ask(pace, reader, "cold", 1000.0)
    await use(pace, reader, 0.000_3)
    chosen = pace.choose(CONFIG)
    assert chosen.tokens == 1024  # 1,000 tokens in 300 ms and 128 for the answer, a step below
    assert chosen.why.startswith("it reads 3,333 tokens a second after 0 ms")


async def test_what_a_prompt_shares_with_the_one_before_is_taken_to_be_cached(tmp_path: Path) -> None:
    reader = Reader()
    pace = CompletionPace(tmp_path, "m", clock=reader.clock)
    await ask(pace, reader, "cold", 0.0)
    await use(pace, reader, 0.001)
    for number in range(8):
        await ask(pace, reader, "a" * (1200 + number) + "b" * 200, 0.001 * 200)
    assert "of a prompt are cached" in pace.choose(CONFIG).why
    assert pace.choose(CONFIG).tokens == 1448


async def test_an_answer_called_off_counts_if_it_took_longer_than_expected(tmp_path: Path) -> None:
    reader = Reader()
    pace = CompletionPace(tmp_path, "m", clock=reader.clock)
    pace.choose(CONFIG)
    await ask(pace, reader, "cold", 0.0)
    reader.hangs = True
    for number in range(12):
        size = 1000 + 5 * number
        reader.takes_s = 2.0 if number % 2 else 0.05  # both are called off; the second kind tells nothing
        task = asyncio.create_task(ask(pace, reader, chr(65 + number) * size, reader.takes_s))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert reader.closed == 13
    assert pace.choose(CONFIG).tokens == 512


async def test_a_failure_tells_nothing_and_goes_up(tmp_path: Path) -> None:
    failing = ScriptedChat(ModelError("down"))
    pace = CompletionPace(tmp_path, "m")
    with pytest.raises(ModelError, match="down"):
        async for _ in pace.timed(failing, prompt("x")).chat([ChatMessage("user", "x")], max_tokens=1):
            pass
    await pace.save(now=True)
    assert not (tmp_path / FILE).exists()
    assert failing.closed == 1


async def test_a_restart_knows_it_and_each_model_has_its_own(tmp_path: Path) -> None:
    reader = Reader()
    for name, a_token_s in (("slow", 0.01), ("fast", 0.000_01)):
        pace = CompletionPace(tmp_path, name, clock=reader.clock)
        await ask(pace, reader, "cold", 0.0)
        await use(pace, reader, a_token_s)
        await pace.save(now=True)
    budgets = [CompletionPace(tmp_path, name).choose(CONFIG).tokens for name in ("slow", "fast", "other")]
    assert budgets == [512, 2048, 2048]
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


async def test_models_used_long_ago_are_forgotten(tmp_path: Path) -> None:
    reader = Reader()
    for number in range(MOST_MODELS + 3):
        pace = CompletionPace(tmp_path, f"m{number}", clock=reader.clock)
        await use(pace, reader, 0.01, 3)
        await pace.save(now=True)
    stored = json.loads((tmp_path / FILE).read_text())["models"]
    assert list(stored) == [f"m{number}" for number in range(3, MOST_MODELS + 3)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "\xff",
        '{"version": 1, "models": {"m": 3}}',
        '{"version": 1, "models": {"m": [[1, 2, 3], [1], "x", [1, 0, NaN], [1, 0, 1e999], [0, 0, 1], [null, 0, 1]]}}',
        '{"version": 2, "models": {"m": [[1000, 0, 9.0], [1000, 0, 9.0]]}}',
        "[" * 100_000,
    ],
)
async def test_a_damaged_file_is_no_file_and_is_written_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_bytes(text.encode("latin-1"))
    reader = Reader()
    pace = CompletionPace(tmp_path, "m", clock=reader.clock)
    assert pace.choose(CONFIG).why == UNKNOWN
    await use(pace, reader, 0.01)
    await pace.save(now=True)
    assert CompletionPace(tmp_path, "m").choose(CONFIG).tokens == 512


async def test_a_cache_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    reader = Reader()
    pace = CompletionPace(tmp_path / "file", "m", clock=reader.clock)
    await use(pace, reader, 0.01)
    await pace.save(now=True)
    assert pace.choose(CONFIG).tokens == 512


async def test_the_app_times_its_ghost_text_and_tells_why_a_budget_is_what_it_is(tmp_path: Path) -> None:
    environ = {"KIBITZ_CACHE_DIR": str(tmp_path / "cache"), "KIBITZ_CONFIG": str(tmp_path / "none.toml")}
    with FakeOpenAI([Reply(["x"])] * 8, models=("qwen2.5-coder",)) as server:
        app = build_app(tmp_path, environ={**environ, "OPENAI_BASE_URL": server.url})
        assert (await app.completion_budget()).why == UNKNOWN
        for number in range(8):
            await app.suggest(Snapshot("a.py", number, f"v{number} = 1\n" * (1 + 30 * number) + "w = ", "\n", "python"))
        chosen = await app.completion_budget()
        await app.close()
        assert chosen.why.startswith("it reads ")
        assert len(json.loads((tmp_path / "cache" / FILE).read_text())["models"][f"{server.url} qwen2.5-coder"]) == 7
        fixed = build_app(tmp_path, environ=environ, flags={"base_url": server.url, "completion_budget_tokens": 3000})
        assert await fixed.completion_budget() == Choice(3000, "as the flag says")
        await fixed.close()


def test_a_prompt_can_be_looked_at_without_a_model_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"CACHE_DIR": "cache", "DATA_DIR": "data", "CONFIG": "none.toml"}.items():
        monkeypatch.setenv(f"KIBITZ_{name}", str(tmp_path / value))
    monkeypatch.setenv("KIBITZ_DETECT", "false")
    (tmp_path / "a.py").write_text("x = 1\n")
    assert run(["prompt", "complete", f"{tmp_path / 'a.py'}:1", "--path", str(tmp_path), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["budget"], shown["budget_why"]) == (2048, "there is no model")
