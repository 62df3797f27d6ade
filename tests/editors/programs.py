"""Neovim and Emacs in a terminal, set up as docs/editors.md says: the same steps of a user, in the keys of each."""

import json
import re
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from tests.editors.surroundings import ROOT, documented
from tests.editors.terminal import WAIT_S, Terminal

PRELUDE = Path(__file__).parent / "emacs" / "prelude.el"


class Editor(ABC):
    """An editor with its user at the keys."""

    section: ClassVar[str]  # of docs/editors.md

    def __init__(self, program: str, terminal: Terminal, home: Path, environment: Mapping[str, str]) -> None:
        self.program = program
        self.terminal = terminal
        self.home = home
        self.environment = {**environment, "TMPDIR": str(home)}
        self.socket = home / "editor.sock"

    @abstractmethod
    def start(self, path: Path) -> None:
        """Install what the documents say, and open a file."""

    @abstractmethod
    def evaluate(self, code: str) -> Any:
        """What code in the editor's own language returns."""

    @abstractmethod
    def call(self, command: str, words: str = "") -> None:
        """Type a command's name, as Neovim has it without its "Kibitz", and the words that it asks for."""

    @abstractmethod
    def text(self) -> str:
        """The text in front."""

    @abstractmethod
    def ghost(self) -> str | None:
        """The ghost text at the cursor."""

    @abstractmethod
    def state(self) -> str:
        """What the status line says of the server."""

    @abstractmethod
    def chat(self) -> str:
        """The text of the chat."""

    @abstractmethod
    def append(self, text: str) -> None:
        """Type a new last line, and stay in it."""

    @abstractmethod
    def at_rest(self) -> None:
        """Leave what typing has led to."""

    @abstractmethod
    def change_first_line(self, text: str) -> None:
        """Type another text in place of the first line."""

    @abstractmethod
    def edit_first_line(self, instruction: str) -> None:
        """Ask for an edit of the first line."""

    @abstractmethod
    def undo(self) -> None:
        """Take the last change back."""

    @abstractmethod
    def follow(self, place: str) -> None:
        """Open a place that the chat names."""

    @abstractmethod
    def back(self) -> None:
        """Return to the first file."""

    @abstractmethod
    def cursor_line(self) -> int:
        """The line of the cursor, counted from 0."""

    @abstractmethod
    def go_to_first_line(self) -> None:
        """Put the cursor there."""

    @abstractmethod
    def choose(self, words: str) -> None:
        """Choose from the list that is asked about."""

    @abstractmethod
    def indexed(self) -> int:
        """How many files are in the index."""

    @abstractmethod
    def stop_indexing(self) -> None:
        """Stop the round that is under way."""

    def until(self, what: str, done: Callable[[], object]) -> None:
        """Wait until a function says yes, or raise with what is on the screen."""
        end = time.monotonic() + WAIT_S
        while not done():
            if time.monotonic() > end:
                raise AssertionError(f"waited in vain for {what}; the screen:\n{self.terminal.screen()}")
            time.sleep(0.05)

    def until_ghost(self, text: str) -> None:
        """Wait for a ghost text."""
        self.until(f"the ghost text {text!r}", lambda: self.ghost() == text)

    def until_said(self, pattern: str) -> None:
        """Wait for a regular expression in the chat."""
        self.until(f"{pattern!r} in the chat", lambda: re.search(pattern, self.chat()))

    def until_line(self, number: int, text: str) -> None:
        """Wait for a line of the file, counted from 0."""
        self.until(f"line {number} to be {text!r}", lambda: self.text().splitlines()[number] == text)


class Neovim(Editor):
    """Neovim with the plugin."""

    section = "Neovim"

    def start(self, path: Path) -> None:
        subprocess.run(["sh", "-ec", documented("Neovim", "sh")], env=self.environment, cwd=ROOT, check=True)
        settings = self.home / ".config" / "nvim"
        settings.mkdir(parents=True, exist_ok=True)
        (settings / "init.lua").write_text(documented("Neovim", "lua"), encoding="utf-8")
        command = [self.program, "-i", "NONE", "-n", "--listen", str(self.socket), str(path)]
        self.terminal.start(command, self.environment, self.home)
        self.terminal.wait(r"bank\.py .*(ready|indexing|no model|error)")

    def evaluate(self, code: str) -> Any:
        body = code.replace("'", "''")
        call = f"json_encode(luaeval('(function() {body} end)()'))"
        ran = subprocess.run(
            [self.program, "--server", str(self.socket), "--remote-expr", call],
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            timeout=WAIT_S,
            check=True,
        )
        return json.loads(ran.stdout or ran.stderr)  # 0.7 writes it to the latter

    def call(self, command: str, words: str = "") -> None:
        self.terminal.type(f":Kibitz{command} ".rstrip() + (" " + words if words else ""))
        self.terminal.press("Enter")

    def text(self) -> str:
        return "".join(line + "\n" for line in self.evaluate("return vim.api.nvim_buf_get_lines(0, 0, -1, false)"))

    def ghost(self) -> str | None:
        text = self.evaluate("return require('kibitz.ghost').text()")
        return text if isinstance(text, str) else None

    def state(self) -> str:
        return str(self.evaluate("return require('kibitz').status()"))

    def chat(self) -> str:
        chat = "vim.fn.bufnr('kibitz://chat')"
        return "\n".join(
            self.evaluate(f"return {chat} > 0 and vim.api.nvim_buf_get_lines({chat}, 0, -1, false) or {{''}}")
        )

    def append(self, text: str) -> None:
        self.terminal.type("Go" + text)

    def at_rest(self) -> None:
        self.terminal.escape()

    def change_first_line(self, text: str) -> None:
        self.terminal.type("ggcc" + text)
        self.terminal.escape()

    def edit_first_line(self, instruction: str) -> None:
        self.terminal.type(f":1KibitzEdit {instruction}")
        self.terminal.press("Enter")

    def undo(self) -> None:
        self.terminal.type("u")

    def follow(self, place: str) -> None:
        self.terminal.press("C-w", "l")
        self.terminal.type(f"G?{place}")
        self.terminal.press("Enter", "Enter")

    def back(self) -> None:
        self.terminal.type(":buffer bank.py")
        self.terminal.press("Enter")

    def cursor_line(self) -> int:
        return int(self.evaluate("return vim.api.nvim_win_get_cursor(0)[1]")) - 1

    def go_to_first_line(self) -> None:
        self.terminal.type("gg")

    def choose(self, words: str) -> None:
        row = re.search(rf"^(\d+): .*{words}", self.terminal.wait(words), re.MULTILINE)
        assert row is not None
        self.terminal.type(row[1])
        self.terminal.press("Enter")

    def indexed(self) -> int:
        ask = "require('kibitz.client').wait_for('kibitz/status', vim.empty_dict(), 9000)"
        return int(self.evaluate(f"return {ask}.index.files"))

    def stop_indexing(self) -> None:
        self.call("Stop")


class Emacs(Editor):
    """Emacs with the package, in a terminal."""

    section = "Emacs"
    commands: ClassVar = {"NewChat": "new-chat", "Accept": "accept-change", "Reject": "reject-change"}

    def start(self, path: Path) -> None:
        settings = self.home / "init.el"
        settings.write_text(documented("Emacs", "elisp"), encoding="utf-8")
        names = {"TEST_INIT": str(settings), "TEST_SOCKET": str(self.socket)}
        command = [self.program, "-nw", "-Q", "-l", str(PRELUDE), str(path)]
        self.terminal.start(command, {**self.environment, **names}, ROOT)
        self.until("Emacs", self.socket.exists)
        self.terminal.press("C-a")  # the first command connects
        self.terminal.wait(r"bank\.py .*Kibitz")
        self.until("the server", lambda: self.evaluate('(and (eglot-current-server) "yes")'))

    def evaluate(self, code: str) -> Any:
        form = f"(with-current-buffer (window-buffer (frame-selected-window test-frame)) (json-encode {code}))"
        ran = subprocess.run(
            ["emacsclient", "-s", str(self.socket), "--eval", form],
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            timeout=WAIT_S,
            check=True,
        )
        printed = ran.stdout.strip()[1:-1]
        return json.loads(printed.replace('\\"', '"').replace("\\\\", "\\"))

    def call(self, command: str, words: str = "") -> None:
        self.terminal.press("M-x")
        self.terminal.type("kibitz-" + self.commands.get(command, command.lower()))
        self.terminal.press("Enter")
        if words:
            self.terminal.type(words)
            self.terminal.press("Enter")

    def text(self) -> str:
        return str(self.evaluate("(buffer-substring-no-properties (point-min) (point-max))"))

    def ghost(self) -> str | None:
        text = self.evaluate("(kibitz--text)")
        return text if isinstance(text, str) else None

    def state(self) -> str:
        return str(self.evaluate('(let ((shown (kibitz--lighter))) (if (equal shown "") (car kibitz-state) shown))'))

    def chat(self) -> str:
        return str(self.evaluate('(with-current-buffer (get-buffer-create "*kibitz*") (buffer-string))'))

    def append(self, text: str) -> None:
        self.terminal.press("M->")
        self.terminal.type(text)

    def at_rest(self) -> None:
        self.terminal.press("C-g")

    def change_first_line(self, text: str) -> None:
        self.terminal.press("M-<", "C-k")
        self.terminal.type(text)

    def edit_first_line(self, instruction: str) -> None:
        self.terminal.press("M-<", "C-Space", "C-e")
        self.call("Edit", instruction)

    def undo(self) -> None:
        self.terminal.press("C-_")

    def follow(self, place: str) -> None:
        self.terminal.press("C-x", "o", "M->", "C-r")
        self.terminal.type(place)
        self.terminal.press("Enter", "Enter")

    def back(self) -> None:
        self.terminal.press("C-x", "b")
        self.terminal.type("bank.py")
        self.terminal.press("Enter", "C-x", "1")

    def cursor_line(self) -> int:
        return int(self.evaluate("(line-number-at-pos)")) - 1

    def go_to_first_line(self) -> None:
        self.terminal.press("M-<")

    def choose(self, words: str) -> None:
        self.terminal.wait("Open conversation")
        self.terminal.type("*" + words)
        self.terminal.press("Tab", "Enter")

    def indexed(self) -> int:
        ask = "(jsonrpc-request (kibitz--server) :kibitz/status (make-hash-table))"
        return int(self.evaluate(f"(plist-get (plist-get {ask} :index) :files)"))

    def stop_indexing(self) -> None:
        self.call("stop-indexing")
