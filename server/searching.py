"""A question to a workspace, whatever there is to answer it: the index, or, as long as there is none, the files."""

from dataclasses import replace
from typing import TYPE_CHECKING

from kibitz.indexer.answer import Answer, Freshness
from kibitz.indexer.errors import EmbedderBusyError, NotIndexedError
from kibitz.indexer.filters import NO_FILTERS, Filters
from kibitz.indexer.grep import Grepped, Query
from kibitz.indexer.question import read_question
from kibitz.server.errors import ModelError

if TYPE_CHECKING:
    from kibitz.indexer.search import Searcher
    from kibitz.server.indexed import Indexed


def search(app: "Indexed", query: str, k: int, *, within: str = "", filters: Filters = NO_FILTERS) -> Answer:
    """The k best hits for a question.

    Without an index the question's words are looked for in the files; while an embedding endpoint cannot answer, words
    alone are searched. The answer's legs and notes say so.

    Raises:
        WorkspaceError: there is no index, and the folder cannot be read.
    """
    question = read_question(query)
    if not question.text:
        return Answer((), (), app.freshness(), question.notes)
    try:
        answer = _ask(app, question.text, k, within=within, filters=filters)
    except NotIndexedError as error:
        answer = _scan(app, question.text, k, within=within, filters=filters, why=str(error))
    return replace(answer, notes=(*question.notes, *answer.notes))


def grep(app: "Indexed", query: Query, k: int, *, within: str = "", filters: Filters = NO_FILTERS) -> Answer:
    """The first k lines that match a regular expression, in the order of paths; without an index as with one.

    Raises:
        PatternError: the expression is wrong.
        WorkspaceError: there is no index, and the folder cannot be read.
    """
    try:
        searcher = app.searcher()
        exactly = {"ignore_case": query.ignore_case, "fixed": query.fixed, "word": query.word}
        found = searcher.grep(query.pattern, k, within=within, filters=filters, **exactly)
        freshness, notes = _freshness(app, searcher), unsearched(found)
    except NotIndexedError as error:
        from kibitz.indexer.scan import scan_lines

        found = scan_lines(app.root, query, k, rules=app.rules, within=within, filters=filters)
        freshness = app.freshness()
        notes = (*unsearched(found), *([_unknown_kinds(freshness, str(error))] if filters.kinds else []))
    return Answer(found.hits, ("regex",), freshness, notes, grepped=found)


def _ask(app: "Indexed", question: str, k: int, *, within: str, filters: Filters) -> Answer:
    """Ask the index.

    Raises:
        NotIndexedError: there is none, or it is damaged, which may show only in use.
    """
    searcher = app.searcher()
    try:
        hits = searcher.search(question, k, within=within, filters=filters)
    except (EmbedderBusyError, ModelError) as error:
        hits = searcher.search(question, k, within=within, legs=("lexical",), filters=filters)
        note = f"Only words were searched: {error}"
        return Answer(tuple(hits), ("lexical",), _freshness(app, searcher), (note,))
    return Answer(tuple(hits), ("lexical", "vector"), _freshness(app, searcher))


def _freshness(app: "Indexed", searcher: "Searcher") -> Freshness:
    told, known = app.freshness(searcher.is_ahead), searcher.freshness
    return replace(known, behind=told.behind, indexing=told.indexing or known.indexing)


def _scan(app: "Indexed", question: str, k: int, *, within: str, filters: Filters, why: str) -> Answer:
    """Look for the question's words in the files."""
    from kibitz.indexer.scan import scan

    found = scan(app.root, question, k, rules=app.rules, within=within, filters=filters)
    freshness = app.freshness()
    if filters.kinds:
        note = _unknown_kinds(freshness, why)
    else:
        of = f" of {found.files}" if found.read < found.files else ""
        read = f"here in {found.read}{of}"
        note = f"{_why(freshness, why)} Until then words are looked for in the files themselves, {read}."
    return Answer(found.hits, ("scan",), freshness, (note,))


def _why(freshness: Freshness, otherwise: str) -> str:
    return "The first index round is under way." if freshness.indexing else otherwise


def _unknown_kinds(freshness: Freshness, why: str) -> str:
    return f"{_why(freshness, why)} Until then nobody knows what kind of code a file holds."


def unsearched(found: Grepped) -> tuple[str, ...]:
    """What somebody should know who takes the lines for all there are."""
    notes: list[str] = []
    if found.stopped == "limit":
        notes.append(f"There are more than {len(found.hits)} lines that match.")
    if found.stopped == "time":
        notes.append("It took too long and was stopped: a longer literal in it, or a folder, makes it faster.")
    if found.skipped:
        reasons = ", ".join(f"{reason} ({count})" for reason, count in sorted(found.skipped.items()))
        notes.append(f"Files that may match and could not be searched: {reasons}.")
    return tuple(notes)
