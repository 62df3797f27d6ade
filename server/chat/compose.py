"""From a question's words to all that its prompt is made of: mentions looked up, slash prompts spelled out, rules read.

What cannot be had is said in a note and stays in the question as it was written; nothing is an error but a slash prompt
that does not exist. Files that the index leaves out never enter, whatever names them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from kibitz.server.admitted import admitted, admitted_text, inside
from kibitz.server.chat.beside import Beside, Composed
from kibitz.server.chat.changes import changes, is_revision, last_subjects
from kibitz.server.chat.mentions import Mention, mentions, without
from kibitz.server.chat.question import Question
from kibitz.server.chat.slash import Slash, parted

if TYPE_CHECKING:
    from kibitz.prompts.templates.context import ContextItem, Kind, Rules
    from kibitz.server.chat.sources import Why
    from kibitz.server.indexed import Indexed
    from kibitz.server.rules import RuleFiles

MOST_DEFINITIONS = 3
MOST_OUTLINED = 60  # files of a folder
MOST_PROBLEMS = 100
QUERY_CHARS = 600  # of what is attached, where the question has no words of its own


def compose(app: "Indexed", rules: "RuleFiles", text: str, beside: Beside) -> Composed:
    """Make a question of what the user wrote. Reads files, so not for the event loop.

    Raises:
        UnknownPromptError: it begins with a slash and a word that is no prompt.
    """
    slash, words = parted(text)
    found = mentions(words)
    gathering = _Gathering(app, rules, beside)
    for mention in found:
        gathering.take(mention)
    if slash is not None:
        gathering.take_defaults(slash, mentioned=bool(found))
    attached = tuple(gathering.items.values())
    conventions = gathering.rules()
    question = Question(
        text=f"{slash.words}\n\n{words}".strip() if slash else words,
        query=_query(slash, without(words, found), attached, mentioned=bool(found)),
        attached=attached,
        rules=conventions,
        history=beside.history,
        whys={**{each.path: "rules" for each in conventions}, **gathering.whys},
    )
    if slash is None:
        return Composed(question, tuple(gathering.notes))
    return Composed(question, tuple(gathering.notes), slash.suggests, slash.plain)


def _query(slash: Slash | None, words: str, attached: "Sequence[ContextItem]", *, mentioned: bool) -> str | None:
    """Return what to search for: the user's words, else what they are about; None where the text says it all."""
    if slash is None and not mentioned:
        return None
    if slash is not None and not slash.search:
        return ""
    return words or "\n".join(f"{item.path}\n{item.text[:QUERY_CHARS]}" for item in attached[:1])


class _Gathering:
    """What the mentions of one question bring."""

    def __init__(self, app: "Indexed", rules: "RuleFiles", beside: Beside) -> None:
        self._app = app
        self._rules = rules
        self._beside = beside
        self.items: dict[str, ContextItem] = {item.label: item for item in beside.attached}
        self.whys: dict[str, Why] = {
            item.label: "selected" if item.kind == "selection" else "attached" for item in beside.attached
        }
        self.notes: list[str] = []
        self._by_kind: Mapping[str, Callable[[Mention], None]] = {
            "file": self._file,
            "path": self._path,
            "folder": self._folder,
            "symbol": self._symbol,
            "selection": self._selection,
            "open": self._open,
            "diff": self._diff,
            "diagnostics": self._diagnostics,
            "codebase": lambda _: None,  # what a search finds comes anyway
            "rules": self._mentioned_rules,
        }

    def take(self, mention: Mention) -> None:
        """Attach what a mention names, or note why not."""
        self._by_kind[mention.kind](mention)

    def take_defaults(self, slash: Slash, *, mentioned: bool) -> None:
        """Attach what a slash prompt is about where the question itself attaches nothing."""
        if not mentioned and not self._beside.attached:
            if "diff" in slash.defaults:
                self._changes("HEAD", staged=slash.name == "commit")
            elif self._beside.selection is not None:
                self._add([self._beside.selection], "selected")
            elif self._beside.documents:
                path = next(iter(self._beside.documents))
                self._add([_lines(path, self._beside.documents[path])], "open")
            else:
                self.notes.append("Nothing is selected or open: mention what is meant, as in @file:src/app.py.")
        if slash.with_problems:
            self._add(_problems(self._beside, {item.path for item in self.items.values()}))
        if slash.name == "commit" and (subjects := last_subjects(self._app)) is not None:
            self._add([subjects])

    def rules(self) -> "tuple[Rules, ...]":
        """Return the rules for what is attached."""
        if not self._app.config.trusted:
            return ()
        return self._rules.near(item.path for item in self.items.values() if item.path)

    def _add(self, items: "Iterable[ContextItem]", why: "Why" = "mentioned") -> None:
        for item in items:
            self.items.setdefault(item.label, item)
            self.whys.setdefault(item.label, why)

    def _text(self, path: str) -> str:
        """Return a file's text as the editor has it, else as it is on disk.

        Raises:
            WorkspaceError: there is no such file, or a rule leaves it out.
        """
        open_text = self._beside.documents.get(path)
        if open_text is not None and admitted(self._app, [path]):
            return open_text
        return admitted_text(self._app, path)[1]

    def _file(self, mention: Mention) -> None:
        from kibitz.indexer.errors import WorkspaceError

        try:
            path = inside(mention.value)
            self._add([_lines(path, self._text(path), mention.first, mention.last)])
        except WorkspaceError as error:
            self.notes.append(str(error))

    def _path(self, mention: Mention) -> None:
        """Attach a file that is named without saying so; whatever else looks like a path is left as it is."""
        from kibitz.indexer.errors import WorkspaceError

        try:
            path = inside(mention.value)
        except WorkspaceError:
            return
        if (self._app.root / path).is_file():
            self._file(mention)

    def _folder(self, mention: Mention) -> None:
        from kibitz.indexer.errors import WorkspaceError
        from kibitz.indexer.outline import symbols_of
        from kibitz.indexer.workspace import survey
        from kibitz.prompts.templates.context import ContextItem

        try:
            folder = inside(mention.value)
        except WorkspaceError as error:
            self.notes.append(str(error))
            return
        below = f"{folder}/" if folder else ""
        paths = [one.path for one in survey(self._app.root, self._app.rules).files if one.path.startswith(below)]
        if not paths:
            self.notes.append(f"There is no folder {folder} with files that the index lets in.")
            return
        rows: list[str] = []
        for path in paths[:MOST_OUTLINED]:
            rows.append(path)
            rows += [f"    {one.signature}" for one in symbols_of(path, self._text(path)) if one.depth == 0]
        rows += paths[MOST_OUTLINED:]
        text = "".join(f"{row}\n" for row in rows)
        self._add([ContextItem(f"outline of {below or 'the workspace'}", text, "")])

    def _symbol(self, mention: Mention) -> None:
        from kibitz.indexer.errors import NotIndexedError, WorkspaceError

        try:
            places = self._app.searcher().definitions(mention.value, MOST_DEFINITIONS + 1)
        except NotIndexedError as error:
            self.notes.append(str(error))
            return
        if not places:
            self.notes.append(f"Nothing by the name of {mention.value} is defined in the workspace.")
        if len(places) > MOST_DEFINITIONS:
            self.notes.append(f"{mention.value} is defined in more places; the first {MOST_DEFINITIONS} are attached.")
        for place in places[:MOST_DEFINITIONS]:
            try:
                text = self._text(place.path)
            except WorkspaceError as error:
                self.notes.append(str(error))
                continue
            self._add([_lines(place.path, text, place.span.start + 1, place.span.end, "symbol")])

    def _selection(self, mention: Mention) -> None:
        del mention
        if self._beside.selection is None:
            self.notes.append("Nothing is selected.")
        else:
            self._add([self._beside.selection], "selected")

    def _open(self, mention: Mention) -> None:
        del mention
        shown = admitted(self._app, self._beside.documents)
        self._add((_lines(path, text) for path, text in self._beside.documents.items() if path in shown), "open")
        if not shown:
            self.notes.append("No document of the workspace is open.")

    def _diff(self, mention: Mention) -> None:
        if not is_revision(mention.value or "HEAD"):
            self.notes.append(f"{mention.value} is not the name of a commit.")
            return
        self._changes(mention.value or "HEAD")

    def _changes(self, since: str, *, staged: bool = False) -> None:
        """Attach what has changed; of what is staged, where nothing is, all that has changed."""
        if not self._app.config.trusted:
            self.notes.append("The workspace is not trusted, so git is not asked what has changed.")
            return
        items, notes = changes(self._app, since, staged=staged)
        if not items and not notes and staged:
            items, notes = changes(self._app, since)
        self._add(items, "changed")
        self.notes += notes or ([] if items else [f"Nothing has changed since {since}, or git has no answer."])

    def _diagnostics(self, mention: Mention) -> None:
        del mention
        items = _problems(self._beside, None)
        self._add(items)
        if not items:
            self.notes.append("The editor shows no errors or warnings.")

    def _mentioned_rules(self, mention: Mention) -> None:
        del mention
        if not self._app.config.trusted:
            self.notes.append("The workspace is not trusted, so its rules are not read.")
        elif not self.rules():
            self.notes.append("The workspace has no rules: no AGENTS.md or the like.")


def _lines(path: str, text: str, first: int = 0, last: int = 0, kind: "Kind | None" = None) -> "ContextItem":
    """Return a file, or lines of it (1-based, the end included), as context."""
    from kibitz.indexer.lines import split_lines
    from kibitz.prompts.templates.context import ContextItem

    rows = split_lines(text)
    start = min(max(first, 1), max(1, len(rows)))
    end = max(start, min(last or len(rows), len(rows)))
    label = f"{path}:{start}-{end}"
    kind = kind or ("selection" if first else "file")
    return ContextItem(label, "".join(rows[start - 1 : end]), label, path, start, end, kind=kind)


def _problems(beside: Beside, paths: "set[str] | None") -> "list[ContextItem]":
    """Return what the editor complains of, in some files or in all."""
    from kibitz.prompts.templates.context import ContextItem

    rows = [
        f"{each.path}:{each.line}: {each.severity}: {' '.join(each.message.split())}\n"
        for each in beside.problems
        if paths is None or each.path in paths
    ]
    text = "".join(rows[:MOST_PROBLEMS])
    return [ContextItem("errors and warnings of the editor", text, "", kind="diagnostics")] if text else []
