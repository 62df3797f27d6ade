"""The command line from outside: real processes, real files, a scripted model on loopback."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import BANK, new_user
from tests.fakes.openai_server import FakeOpenAI, Reply

SHAPES = """/** The area of a circle of this radius. */
export function circleArea(radius: number): number {
  return Math.PI * radius * radius;
}
"""
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    (root / "web").mkdir(parents=True)
    (root / "bank.py").write_text(BANK, encoding="utf-8")
    (root / "web" / "shapes.ts").write_text(SHAPES, encoding="utf-8")
    (root / ".gitignore").write_text("build/\n", encoding="utf-8")
    (root / "build").mkdir()
    (root / "build" / "out.py").write_text("withdraw = 1\n", encoding="utf-8")
    return root


@pytest.fixture
def run(workspace: Path, tmp_path: Path) -> Run:
    def run(*arguments: str, **extra: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "kibitz.server", *arguments]
        return subprocess.run(
            command,
            cwd=workspace,
            env=new_user(tmp_path / "home", **extra),
            capture_output=True,
            text=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=120,
            check=False,
        )

    return run


def report(done: "subprocess.CompletedProcess[str]") -> dict[str, object]:
    assert done.returncode == 0, done.stderr
    last: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    assert last["event"] == "report"
    return last


def test_a_second_index_embeds_nothing_and_a_touched_file_only_its_own(run: Run, workspace: Path) -> None:
    first = report(run("index", "--json"))
    assert first["files"] == 3
    assert first["embedded_chunks"] == first["chunks"] != 0
    second = report(run("index", "--json"))
    assert (second["parsed_files"], second["embedded_chunks"]) == (0, 0)
    (workspace / "bank.py").write_text(BANK.replace("Money", "Coins"), encoding="utf-8")
    third = report(run("index", "--json"))
    assert third["parsed_files"] == 1
    assert 0 < int(str(third["embedded_chunks"])) < int(str(third["chunks"]))


def test_search_finds_by_behaviour_by_name_and_by_expression(run: Run) -> None:
    behaviour = json.loads(run("search", "--json", "take money out of an account").stdout)
    assert behaviour["results"][0]["path"] == "bank.py"
    name = json.loads(run("search", "--json", "circleArea").stdout)
    assert name["results"][0]["path"] == "web/shapes.ts"
    expression = json.loads(run("search", "--json", "--regex", r"def \w+draw").stdout)
    assert [(hit["path"], hit["start_line"], hit["legs"]) for hit in expression["results"]] == [
        ("bank.py", 11, ["regex"])
    ]
    assert expression["results"][0]["text"].strip().startswith("def withdraw(")
    assert (expression["files"], expression["skipped"], expression["stopped"]) == (3, {}, "")


def test_a_text_is_found_as_grep_prints_it(run: Run) -> None:
    done = run("search", "-F", "min(amount, self.balance)")
    assert done.stdout.startswith("bank.py:")
    assert "min(amount, self.balance)" in done.stdout
    assert run("search", "-i", "-w", "WITHDRAW").stdout.startswith("bank.py:11: ")
    limited = run("search", "--regex", "self", "-k", "1")
    assert (limited.stdout.count("\n"), "There are more than 1 lines" in limited.stderr) == (1, True)
    wrong = run("search", "--regex", "(self")
    assert wrong.returncode == 1
    assert "this ( is never closed, at character 1." in wrong.stderr


def test_many_questions_are_answered_a_line_each(run: Run, workspace: Path) -> None:
    (workspace / "questions.jsonl").write_text('{"query": "withdraw"}\n\n{"query": "area"}\n', encoding="utf-8")
    done = run("search", "--queries", "questions.jsonl", "-k", "1")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["query"] for answer in answers] == ["withdraw", "area"]
    assert [answer["results"][0]["path"] for answer in answers] == ["bank.py", "web/shapes.ts"]


def test_ignored_files_are_never_found(run: Run) -> None:
    found = json.loads(run("search", "--json", "-k", "50", "withdraw").stdout)
    assert {hit["path"] for hit in found["results"]} <= {"bank.py", "web/shapes.ts", ".gitignore"}


def test_an_answer_is_streamed_and_only_what_was_in_the_prompt_is_cited(run: Run) -> None:
    pieces = ("It takes ", "what there is (bank.py:11-15), ", "see also vault.py:1-9.")
    with FakeOpenAI([Reply(pieces=pieces)]) as server:
        done = run("ask", "--json", "how is money withdrawn?", OPENAI_BASE_URL=server.url)
        assert done.returncode == 0, done.stderr
        assert "min(amount, self.balance)" in server.requests[-1].prompt
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert "".join(event["text"] for event in events if event["event"] == "delta") == "".join(pieces)
    assert [citation["path"] for citation in events[-1]["citations"]] == ["bank.py"]
    assert {source["why"] for source in events[-1]["sources"]} == {"found"}


def test_a_reader_that_goes_away_ends_an_answer_without_a_word(workspace: Path, tmp_path: Path) -> None:
    pieces = tuple(f"word{number} " for number in range(200))
    with FakeOpenAI([Reply(pieces=pieces, delay_s=0.02)]) as server:
        command = [sys.executable, "-m", "kibitz.server", "ask", "what is this"]
        env = new_user(tmp_path / "home", OPENAI_BASE_URL=server.url)
        asking = subprocess.Popen(
            command, cwd=workspace, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert asking.stdout is not None
        assert asking.stderr is not None
        assert asking.stdout.read(5) == b"word0"
        asking.stdout.close()
        said = asking.stderr.read().decode()
        asking.stderr.close()
        assert asking.wait(60) == 1
    assert "Traceback" not in said
    assert "exception" not in said


def test_a_completion_is_printed(run: Run) -> None:
    with FakeOpenAI([Reply(pieces=("self.balance", " += amount\n"))], models=["qwen2.5-coder:1.5b"]) as server:
        done = run("complete", "bank.py:15:9", "--json", OPENAI_BASE_URL=server.url)
        assert "<|fim_suffix|>" in server.requests[-1].prompt
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["path"] == "bank.py"


EDITED = '''```python
    def withdraw(self, amount: int) -> int:
        """Take money out, down to nothing but never below."""
        taken = max(0, min(amount, self.balance))
        self.balance -= taken
        return taken
```'''


def test_an_edit_is_a_diff_and_with_apply_it_is_written(run: Run, workspace: Path) -> None:
    with FakeOpenAI([Reply(pieces=(EDITED,))]) as server:
        shown = run("edit", "never take a negative amount", "bank.py:11-15", OPENAI_BASE_URL=server.url)
        assert shown.returncode == 0, shown.stderr
        assert "+        taken = max(0, min(amount, self.balance))" in shown.stdout
        assert (workspace / "bank.py").read_text(encoding="utf-8") == BANK
        applied = run("edit", "never take a negative amount", "bank.py:11-15", "--apply", OPENAI_BASE_URL=server.url)
    assert applied.returncode == 0, applied.stderr
    assert "max(0, min(amount, self.balance))" in (workspace / "bank.py").read_text(encoding="utf-8")


SPREAD = """\
bank.py
<<<<<<< SEARCH
    def withdraw(self, amount: int) -> int:
=======
    def take(self, amount: int) -> int:
>>>>>>> REPLACE

notes.md
<<<<<<< SEARCH
=======
`withdraw` is called `take` now.
>>>>>>> REPLACE
"""


def test_an_edit_of_several_files_makes_one_where_it_may(run: Run, workspace: Path) -> None:
    with FakeOpenAI([Reply(pieces=(SPREAD,))], models=("gpt-4o",)) as server:
        asked = ("edit", "call it take", "bank.py", "web/shapes.ts", "--apply")
        refused = run(*asked, OPENAI_BASE_URL=server.url)
        assert refused.returncode == 1
        assert "notes.md" in refused.stderr
        assert (workspace / "bank.py").read_text(encoding="utf-8") == BANK
        done = run(*asked, "--new", OPENAI_BASE_URL=server.url)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "bank.py: 1 place changed.\nnotes.md: made.\n"
    assert "def take(self" in (workspace / "bank.py").read_text(encoding="utf-8")
    assert (workspace / "notes.md").read_text(encoding="utf-8") == "`withdraw` is called `take` now.\n"


def test_an_edit_that_breaks_the_file_is_refused(run: Run, workspace: Path) -> None:
    with FakeOpenAI(
        [Reply(pieces=("```python\n    def withdraw(self, amount: int -> int:\n        return (\n```",))]
    ) as server:
        done = run("edit", "shorten", "bank.py:11-15", "--apply", OPENAI_BASE_URL=server.url)
    assert done.returncode == 1
    assert done.stderr.startswith("kibitz: ")
    assert (workspace / "bank.py").read_text(encoding="utf-8") == BANK


def test_a_prompt_can_be_looked_at_without_a_model(run: Run, workspace: Path) -> None:
    done = run("prompt", "ask", "how is money withdrawn?", "--budget", "2000", "--json", "--html", "prompt.html")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["tokens"] + shown["reserved"] <= 2000
    assert any(part["shown"] and "bank.py" in part["origin"] for part in shown["parts"])
    assert (workspace / "prompt.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_dumped_prompt_is_rendered_again_without_its_secrets(run: Run, workspace: Path) -> None:
    token = "ghp_" + "k7Qz" + "R2mXv9LpW4sTn8YbC3dF6hJ1gA5eU0iO"
    asked = ("prompt", "ask", f"why is {token} refused when money is withdrawn?", "--budget", "2000")
    done = run(*asked, "--dump", "prompt.json")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    written = (workspace / "prompt.json").read_text(encoding="utf-8")
    assert token not in written
    assert "min(amount, self.balance)" in written
    again = run("prompt", "replay", "prompt.json")
    assert (again.returncode, again.stdout) == (0, "The same prompt.\n"), again.stdout
    smaller = run("prompt", "replay", "prompt.json", "--budget", "1100", "--json")
    assert (smaller.returncode, json.loads(smaller.stdout)["same"]) == (1, False)


def test_status_and_doctor_tell_the_state(run: Run, workspace: Path) -> None:
    assert json.loads(run("status", "--json").stdout)["index"]["indexed"] is False
    run("index")
    (workspace / "bank.py").write_text(BANK + "\n", encoding="utf-8")
    status = json.loads(run("status", "--json").stdout)["index"]
    assert (status["indexed"], status["files"], status["behind"]) == (True, 3, 1)
    checks = {check["name"]: check for check in json.loads(run("doctor", "--json").stdout)}
    assert checks["grammars"]["detail"] == "24 of 24 load"
    assert "1 files changed" in checks["index"]["detail"]


def test_the_doctor_tells_who_counts_tokens(run: Run, tmp_path: Path) -> None:
    def told(**extra: str) -> dict[str, str]:
        done = run("doctor", "--json", **extra)
        return next(check for check in json.loads(done.stdout) if check["name"] == "tokens")

    assert told()["detail"].startswith("counted too high by an estimate; chat format: generous")
    with FakeOpenAI(models=("local.gguf",), llama_cpp=True) as server:
        check = told(OPENAI_BASE_URL=server.url)
    assert check["state"] == "ok"
    assert check["detail"].startswith(f"counted exactly, by llama.cpp at {server.url}; chat format: measured")
    assert told(KIBITZ_TOKENIZER=str(tmp_path / "none.json"))["state"] == "bad"


# -- what goes wrong is one sentence -------------------------------------------------------------------------------


def failed(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    sentences = [line for line in done.stderr.splitlines() if not line.startswith("kibitz: indexing")]
    assert len(sentences) == 1, done.stderr
    assert sentences[0].startswith("kibitz: ")
    return sentences[0]


def test_an_unknown_path(run: Run) -> None:
    assert "There is no folder nowhere" in failed(run("index", "nowhere"))


def test_a_folder_with_no_code(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "There are no files to index" in failed(run("index", str(tmp_path / "empty")))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_left_out_by_name(run: Run, workspace: Path) -> None:
    (workspace / "bank.py").chmod(0)
    assert report(run("index", "--json"))["skipped"] == {"unreadable": 1}


def test_no_endpoint_and_no_local_model(run: Run) -> None:
    assert "There is no model to ask" in failed(run("ask", "why"))
    assert "There is no model to ask" in failed(run("complete", "bank.py:3"))
    assert "There is no model to ask" in failed(run("edit", "shorten", "bank.py"))


def test_a_key_alone_sends_nothing(run: Run) -> None:
    assert "OPENAI_API_KEY alone" in failed(run("ask", "why", OPENAI_API_KEY="sk-test"))


def test_a_wrong_key(run: Run) -> None:
    with FakeOpenAI([Reply()], api_key="right") as server:
        done = run("ask", "why", OPENAI_BASE_URL=server.url, OPENAI_API_KEY="wrong", KIBITZ_CHAT_MODEL="fake")
    sentence = failed(done)
    assert "key" in sentence
    assert "wrong" not in sentence


def test_an_endpoint_that_does_not_answer(run: Run) -> None:
    done = run("ask", "why", OPENAI_BASE_URL="http://127.0.0.1:9/v1", KIBITZ_CHAT_MODEL="fake")
    assert "127.0.0.1:9" in failed(done)


def test_a_stream_that_is_dropped_halfway_keeps_what_came(run: Run) -> None:
    with FakeOpenAI([Reply(pieces=("It takes ", "what ", "there is."), drop_after=2)]) as server:
        done = run("ask", "how is money withdrawn?", OPENAI_BASE_URL=server.url)
    assert "It takes what" in done.stdout
    assert "closed the stream" in failed(done)


def test_an_unknown_setting(run: Run, workspace: Path) -> None:
    (workspace / ".kibitz.toml").write_text('base_url = "http://evil.example/v1"', encoding="utf-8")
    assert "may only narrow" in failed(run("search", "x"))
    (workspace / ".kibitz.toml").write_text("colour = 1", encoding="utf-8")
    assert "unknown setting: colour" in failed(run("search", "x"))


def test_a_corrupt_index_is_made_again(run: Run, tmp_path: Path) -> None:
    before = json.loads(run("search", "--json", "withdraw money").stdout)["results"]
    for file in (tmp_path / "home" / "cache").rglob("*"):
        if file.is_file() and file.suffix in {".lance", ".manifest", ".hot"}:
            file.write_bytes(b"nonsense" * 8)
    made = run("index", "--json")
    assert report(made)["files"] == 3
    assert json.loads(run("search", "--json", "withdraw money").stdout)["results"] == before


def test_ctrl_c_while_indexing_exits_with_130_and_the_next_run_goes_on(tmp_path: Path) -> None:
    root = tmp_path / "large"
    root.mkdir()
    for number in range(3000):
        (root / f"m{number}.py").write_text(f"def f{number}():\n    return {number}\n" * 20, encoding="utf-8")
    command = [sys.executable, "-m", "kibitz.server", "index", str(root), "--json"]
    env = new_user(tmp_path / "home")
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if json.loads(line).get("phase") == "parse":
                break
        child.send_signal(signal.SIGINT)
        deadline = time.monotonic() + 30
        while child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert child.returncode == 130
        assert "Traceback" not in (child.stderr.read() if child.stderr else "")
    again = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert report(again)["files"] == 3000
