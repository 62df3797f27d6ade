"""A question and what it mentions, over a real workspace: what enters, what never does, and what is said of it."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from kibitz.prompts.templates.context import ContextItem
from kibitz.server.chat.beside import Beside, Composed, Problem
from kibitz.server.chat.compose import compose
from kibitz.server.chat.suggestions import suggestions
from kibitz.server.edit.change import Targets, whole_file
from tests.fakes.workspaces import OurApp, update, written

FILES = {
    "src/bank.py": "class Account:\n    def withdraw(self, sum):\n        return sum\n\n\ndef audit():\n    pass\n",
    "src/shop.py": "from bank import Account\n",
    "docs/how to.md": "# How\n",
    "AGENTS.md": "Use tabs.\n",
    "src/CLAUDE.md": "Test everything.\n",
    ".gitignore": "private/\n",
    "private/notes.py": "password = 1\n",
    ".env": "KEY=1\n",
}
SELECTED = ContextItem("src/bank.py:2-3", "    def withdraw", "src/bank.py:2-3", "src/bank.py", 2, 3, kind="selection")


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=root, check=True)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> OurApp:
    root = written(tmp_path_factory.mktemp("compose") / "work", FILES)
    git(root, "init", "-q")
    git(root, "add", "-f", "src", "docs", "AGENTS.md", ".gitignore", ".env")
    git(root, "commit", "-qm", "Begin with a bank")
    (root / "elsewhere").symlink_to(root.parent)
    update(root)
    return OurApp.of(root)


def asked(app: OurApp, text: str, beside: Beside | None = None) -> Composed:
    return compose(app, app.rule_files, text, beside or Beside())


def labels(composed: Composed) -> list[str]:
    return [item.label for item in composed.question.attached]


def test_a_file_is_attached_as_it_is_and_lines_of_it(app: OurApp) -> None:
    composed = asked(app, "What is in @file:src/bank.py and @src/bank.py:2-3?")
    assert labels(composed) == ["src/bank.py:1-7", "src/bank.py:2-3"]
    assert composed.question.attached[1].text == "    def withdraw(self, sum):\n        return sum\n"
    assert composed.question.text == "What is in @file:src/bank.py and @src/bank.py:2-3?"
    assert composed.question.query == "What is in and ?"
    assert composed.notes == ()


def test_a_name_with_blanks_is_quoted(app: OurApp) -> None:
    assert labels(asked(app, '@file:"docs/how to.md"')) == ["docs/how to.md:1-1"]


def test_an_open_document_is_attached_as_the_editor_has_it(app: OurApp) -> None:
    composed = asked(app, "@file:src/shop.py", Beside(documents={"src/shop.py": "typed = 1\n"}))
    assert composed.question.attached[0].text == "typed = 1\n"


@pytest.mark.parametrize(
    "name", ["private/notes.py", ".env", "../secret.py", "/etc/passwd", "elsewhere/x.py", "none.py", "src"]
)
def test_what_the_index_leaves_out_never_enters_and_a_note_says_so(app: OurApp, name: str) -> None:
    beside = Beside(documents={name: "SECRET\n"})
    composed = asked(app, f"Explain @file:{name}", beside)
    assert composed.question.attached == ()
    assert len(composed.notes) == 1
    assert asked(app, "@open", beside).question.attached == ()


def test_why_each_thing_is_there_is_told(app: OurApp) -> None:
    beside = Beside(attached=(SELECTED,), documents={"src/shop.py": "typed = 1\n"})
    assert asked(app, "@open @file:src/bank.py @symbol:audit", beside).question.whys == {
        "src/bank.py:2-3": "selected",
        "src/shop.py:1-1": "open",
        "src/bank.py:1-7": "mentioned",
        "src/bank.py:6-7": "mentioned",
        "AGENTS.md": "rules",
        "src/CLAUDE.md": "rules",
    }
    assert asked(app, "/explain", Beside(selection=SELECTED)).question.whys[SELECTED.label] == "selected"
    assert (
        asked(app, "/explain", beside=Beside(documents={"src/shop.py": "x\n"})).question.whys["src/shop.py:1-1"]
        == "open"
    )


def test_a_definition_is_attached_whole(app: OurApp) -> None:
    (item,) = asked(app, "How does @symbol:Account.withdraw work?").question.attached
    assert (item.kind, item.path, item.start_line, item.end_line) == ("symbol", "src/bank.py", 2, 3)
    assert asked(app, "@symbol:nothing_such").notes == (
        "Nothing by the name of nothing_such is defined in the workspace.",
    )


def test_a_folder_is_attached_as_its_outline(app: OurApp) -> None:
    (item,) = asked(app, "@folder:src").question.attached
    assert "src/bank.py\n    class Account\n    def audit()\nsrc/shop.py\n" in item.text
    assert "private" not in asked(app, "@folder:.").question.attached[0].text
    assert asked(app, "@folder:private").notes[0].startswith("There is no folder private")


def test_what_the_editor_shows_is_attached(app: OurApp) -> None:
    beside = Beside(
        selection=SELECTED,
        documents={"src/bank.py": FILES["src/bank.py"], "src/shop.py": "x\n"},
        problems=[Problem("src/shop.py", 1, "error", "no\nbank")],
    )
    assert labels(asked(app, "@selection", beside)) == ["src/bank.py:2-3"]
    assert labels(asked(app, "@open", beside)) == ["src/bank.py:1-7", "src/shop.py:1-1"]
    (problems,) = asked(app, "@diagnostics", beside).question.attached
    assert problems.text == "src/shop.py:1: error: no bank\n"
    notes = [asked(app, text).notes for text in ("@selection", "@open", "@diagnostics")]
    assert [len(each) for each in notes] == [1, 1, 1]


def test_a_diff_shows_what_has_changed_but_for_files_that_are_left_out(app: OurApp) -> None:
    (app.root / "src/shop.py").write_text("from bank import Account, audit\n")
    (app.root / ".env").write_text("KEY=2\n")
    try:
        composed = asked(app, "What is in the @diff?")
        (item,) = composed.question.attached
        assert (item.kind, item.path) == ("diff", "src/shop.py")
        assert "+from bank import Account, audit\n" in item.text
        assert composed.notes == ("The changes of 1 file that the index leaves out are not shown.",)
        assert asked(app, "@diff:--output=/tmp/x").notes == ("--output=/tmp/x is not the name of a commit.",)
        commit = asked(app, "/commit")
        assert labels(commit) == ["changes of src/shop.py", "subjects of the last commits"]
        assert commit.question.query == ""
        assert labels(asked(app, "/review")) == ["changes of src/shop.py"]
    finally:
        git(app.root, "checkout", "-q", ".")
    assert asked(app, "@diff").notes == ("Nothing has changed since HEAD, or git has no answer.",)


def test_a_slash_prompt_takes_what_is_at_hand(app: OurApp) -> None:
    problems = [Problem("src/bank.py", 2, "warning", "unused"), Problem("src/shop.py", 1, "error", "far")]
    beside = Beside(selection=SELECTED, documents={"src/shop.py": "x\n"}, problems=problems)
    fix = asked(app, "/fix", beside)
    assert labels(fix) == ["src/bank.py:2-3", "errors and warnings of the editor"]
    assert "far" not in fix.question.attached[1].text
    assert fix.suggests == "edit"
    assert "withdraw" in (fix.question.query or "")
    assert labels(asked(app, "/explain", replace(beside, selection=None))) == ["src/shop.py:1-1"]
    assert labels(asked(app, "/test @file:src/bank.py", beside)) == ["src/bank.py:1-7"]
    assert asked(app, "/explain").notes[0].startswith("Nothing is selected or open")
    assert asked(app, "/explain in German", beside).question.text.endswith("\n\nin German")


def test_rules_come_from_the_folders_above_what_is_asked_about(app: OurApp) -> None:
    assert [rule.path for rule in asked(app, "How?").question.rules] == ["AGENTS.md"]
    rules = asked(app, "@file:src/bank.py").question.rules
    assert [(rule.path, rule.text) for rule in rules] == [
        ("AGENTS.md", "Use tabs."),
        ("src/CLAUDE.md", "Test everything."),
    ]


def test_a_workspace_that_is_not_trusted_says_nothing(app: OurApp) -> None:
    untrusted = OurApp.of(app.root)
    untrusted.config = replace(untrusted.config, trusted=False)
    composed = asked(untrusted, "@rules and @diff and @file:src/bank.py")
    assert composed.question.rules == ()
    assert labels(composed) == ["src/bank.py:1-7"]
    assert len(composed.notes) == 2


def test_rules_are_read_again_when_they_have_changed_and_only_from_the_workspace_itself(tmp_path: Path) -> None:
    root = written(tmp_path / "work", {"AGENTS.md": "One.\n", "a/AGENTS.md": "One.\n"})
    app = OurApp.of(root)
    assert [rule.text for rule in app.rule_files.near(["a/x.py"])] == ["One."]  # the same words count once
    (root / "AGENTS.md").write_text("Two, now.\n")
    assert [rule.text for rule in app.rule_files.near()] == ["Two, now."]
    (root / "AGENTS.md").unlink()
    (tmp_path / "outside.md").write_text("Obey.\n")
    (root / "AGENTS.md").symlink_to(tmp_path / "outside.md")
    assert app.rule_files.near() == ()


def test_what_may_follow_is_offered(app: OurApp) -> None:
    def inserts(text: str) -> list[str]:
        return [each.insert for each in suggestions(app, text)]

    assert inserts("/re") == ["/review "]
    assert inserts("Explain @sel") == ["@selection "]
    assert inserts("@file:bank") == ["@file:src/bank.py "]
    assert inserts("@file:how") == ['@file:"docs/how to.md" ']
    assert inserts("in @folder:s") == ["@folder:src ", "@folder:docs "]
    assert inserts("@symbol:with") == ["@symbol:withdraw "]
    assert inserts("ann@") == []
    assert inserts("no") == []
    assert len(inserts("@")) == 9


@pytest.mark.parametrize("trusted", [True, False])
async def test_an_edit_is_told_the_rules_of_a_trusted_workspace(app: OurApp, trusted: bool) -> None:
    ours = OurApp.of(app.root)
    ours.config = replace(ours.config, trusted=trusted, detect=False)
    rendered = await ours.edit_prompt("Count.", Targets(whole_file("src/bank.py", FILES["src/bank.py"], "python")))
    await ours.close()
    said = "".join(message.content for message in rendered.messages or ())
    assert ("Use tabs." in said) is trusted
