"""A user's first hour in Neovim and in Emacs: real editors in a terminal, a real server, a scripted model."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.conftest import BANK
from tests.editors.programs import Editor, Emacs, Neovim
from tests.editors.surroundings import editing, keep
from tests.editors.terminal import Terminal
from tests.fakes.openai_server import FakeOpenAI, Reply

NEOVIMS: list[tuple[type[Editor], str]] = [(Neovim, path) for path in os.environ.get("NEOVIMS", "nvim").split(":")]
PROGRAMS = [*NEOVIMS, (Emacs, "emacs")]
MISSING = "is not installed (apt-get install neovim emacs-nox elpa-eglot tmux)"
Begin = Callable[[Sequence[Reply]], tuple[Editor, FakeOpenAI]]

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason=f"tmux {MISSING}")


def spoken(program: tuple[type[Editor], str]) -> str:
    """Name an editor in a test's name."""
    return f"{program[0].__name__}-{program[1].strip('/').replace('/', '-')}"


@pytest.fixture(params=PROGRAMS, ids=spoken)
def begin(request: pytest.FixtureRequest, tmp_path: Path, shop: Path) -> Iterator[Begin]:
    """Open bank.py of the workspace in each editor, with what the model will answer."""
    kind, program = request.param
    if shutil.which(program) is None:
        pytest.skip(f"{program} {MISSING}")
    with ExitStack() as stack:

        def start(replies: Sequence[Reply]) -> tuple[Editor, FakeOpenAI]:
            environment, model = stack.enter_context(editing(tmp_path, shop, replies))
            terminal = stack.enter_context(Terminal(tmp_path / "terminal"))
            editor: Editor = kind(program, terminal, tmp_path, environment)
            editor.start(shop / "bank.py")
            return editor, model

        yield start


FACE = "face = '😀'; area = "


def test_a_first_hour(begin: Begin) -> None:
    editor, model = begin(
        [
            Reply(("circle_area(2.0)",), at="v1/completions", when="area = "),
            Reply(('```python\n"""Hello."""\n```',), at="chat/completions", when="Say hello."),
            Reply(('```python\n"""Slow."""\n```',), at="chat/completions", when="Slowly.", delay_s=2.0),
            Reply(("In shapes.py", ":4-6."), at="chat/completions", when="Where is the area?"),
        ]
    )
    editor.until("the index", lambda: editor.state() == "ready")

    # A question, and the place that it names.
    editor.call("Ask", "Where is the area?")
    editor.until_said(r"In shapes\.py:4-6\.\s+\W*cited: +`?shapes\.py:4-6")
    keep(editor, "chat")
    editor.follow("shapes.py:4")
    editor.terminal.wait(r"def circle_area")
    editor.until("the place", lambda: editor.cursor_line() == 3)
    editor.back()

    # An edit and its undo; the same again, and rejected.
    editor.edit_first_line("Say hello.")
    editor.until_line(0, '"""Hello."""')
    keep(editor, "edit")
    editor.undo()
    editor.until_line(0, '"""Accounts."""')
    editor.edit_first_line("Say hello.")
    editor.until_line(0, '"""Hello."""')
    editor.go_to_first_line()
    editor.call("Reject")
    editor.until_line(0, '"""Accounts."""')

    # An edit of a document that changes meanwhile, in the lines that it is for: nothing is written anywhere.
    editor.edit_first_line("Slowly.")
    editor.until("the instruction at the model", lambda: any("Slowly." in each.prompt for each in model.requests))
    editor.change_first_line('"""Mine."""')
    editor.terminal.wait(r"Kibitz: [\s\S]*changed")
    keep(editor, "refused edit")
    assert editor.text() == BANK.replace('"""Accounts."""', '"""Mine."""')

    # Ghost text: typed through, then taken by a word, then whole; the key is itself where nothing is shown.
    editor.append(FACE)
    editor.until_ghost("circle_area(2.0)")
    keep(editor, "ghost text")
    editor.terminal.type("cir")
    editor.until_ghost("cle_area(2.0)")
    editor.terminal.press("M-Right")
    editor.until_ghost("(2.0)")
    word = editor.text().splitlines()[-1]
    assert word.strip() == FACE + "circle_area"
    editor.terminal.press("Tab")
    editor.until("all of it", lambda: editor.text().splitlines()[-1] == word + "(2.0)")
    editor.at_rest()
    editor.undo()
    editor.until("the undo", lambda: editor.text().splitlines()[-1] == word)

    editor.call("Search", "area of a circle")
    editor.terminal.wait(r"(?m)^(shop/)?shapes\.py")
    keep(editor, "search")


def test_conversations_are_kept_by_the_server(begin: Begin) -> None:
    editor, model = begin(
        [
            Reply(("It is ", "long, ") + ("and long, ",) * 200, at="chat/completions", when="Tell me", delay_s=0.2),
            Reply(("and it ends.",), at="chat/completions", when="Tell me"),
            Reply(("The first word is It.",), at="chat/completions", when="first word"),
        ]
    )
    editor.until("the index", lambda: editor.state() == "ready")

    # Stopped, continued, and gone on in: the model is shown what was said before.
    editor.call("Ask", "Tell me of @file:ban\t")
    editor.until_said(r"Tell me of @file:bank\.py\s+It is long, and long")
    editor.call("Stop")
    editor.until_said(r"Stopped\.")
    assert model.wait_until("cancelled")
    editor.call("Continue")
    editor.until_said(r"and it ends\.")
    editor.call("Ask", "What is the first word?")
    editor.until_said(r"The first word is It\.")
    assert "and it ends." in model.requests[-1].prompt
    keep(editor, "conversation")

    # Another one; then the first is chosen again, and goes on.
    editor.call("NewChat")
    editor.until("an empty chat", lambda: not editor.chat().strip())
    editor.call("Ask", "/exp\tfirst word")
    editor.until_said(r"/explain first word\s+The first word is It")
    assert "Tell me" not in model.requests[-1].prompt
    editor.call("Chats")
    editor.choose("Tell me")
    editor.until_said(r"and it ends\.[\s\S]*The first word is It\.")
    editor.call("Ask", "And the first word again?")
    editor.until("the question", lambda: "again" in model.requests[-1].prompt)
    assert "Tell me of" in model.requests[-1].prompt


def test_trouble_is_told_in_one_line_and_ends(begin: Begin, shop: Path) -> None:
    for number in range(2000):
        (shop / f"module_{number}.py").write_text(f"def function_{number}() -> int:\n    return {number}\n")
    editor, model = begin([])

    # The index of a large folder is under way: it is shown, and can be stopped.
    editor.terminal.wait(r"indexing [1-9]\d? ?%")
    keep(editor, "progress")
    editor.stop_indexing()
    editor.until("the end of the round", lambda: "indexing" not in editor.state())
    assert editor.indexed() < 2002

    # An endpoint that fails, and one that is gone: said in one line that waits for no key.
    model.replies = [Reply(status=500, at="v1/completions")]
    editor.append("one = ")
    editor.terminal.wait(r"Kibitz: [\s\S]*HTTP 500")
    keep(editor, "endpoint that fails")
    editor.until("the error in the status line", lambda: editor.state().lstrip(":").startswith("error"))
    model.__exit__(None, None, None)
    editor.terminal.type("two = ")
    editor.terminal.wait(r"Kibitz: No answer from")
    editor.until("that it is offline in the status line", lambda: editor.state().lstrip(":") == "offline")
    keep(editor, "endpoint that is gone")
    assert editor.text().splitlines()[-1].strip() == "one = two ="

    # It is back.
    with FakeOpenAI([Reply(("at_last()",))], models=model.models, port=model.port):
        editor.terminal.type("three = ")
        editor.until_ghost("at_last()")
        editor.until("no more error", lambda: editor.state() == "ready")


@pytest.mark.parametrize("begin", NEOVIMS, indirect=True, ids=spoken)
def test_one_server_gives_neovim_several_suggestions_serves_a_second_folder_and_is_healthy(
    begin: Begin, tmp_path: Path
) -> None:
    (tmp_path / "other" / ".git").mkdir(parents=True)
    colour = 'def colour(name: str) -> int:\n    """Return a colour by name."""\n    return 0\n'
    (tmp_path / "other" / "other.py").write_text(colour)
    editor, _ = begin([Reply(("one()",), at="v1/completions"), Reply(("two()",), at="v1/completions")])
    editor.until("the index", lambda: editor.state() == "ready")
    editor.append("best = ")
    editor.terminal.press("M-]")
    editor.until_ghost("one()")
    editor.terminal.press("M-]")
    editor.until_ghost("two()")
    editor.terminal.press("C-]")
    editor.until("no ghost text", lambda: editor.ghost() is None)
    editor.at_rest()

    editor.terminal.type(f":edit! {tmp_path / 'other' / 'other.py'}")
    editor.terminal.press("Enter")
    editor.terminal.wait("def colour")
    editor.call("Search", "a colour by name")
    editor.terminal.wait(r"(?m)^\S*other\.py\|")
    running = "vim.lsp.get_clients and vim.lsp.get_clients() or vim.lsp.get_active_clients()"
    assert editor.evaluate(f"return #({running})") == 1
    editor.terminal.type(":checkhealth kibitz")
    editor.terminal.press("Enter")
    editor.terminal.wait(r"the server runs: (ready|indexing)")
