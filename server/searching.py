"""A question to a workspace, whatever there is to answer it: the index, or, as long as there is none, the files."""

from dataclasses import replace
from typing import TYPE_CHECKING

from kibitz.indexer.answer import Answer, Freshness
from kibitz.indexer.errors import EmbedderBusyError, NotIndexedError
from kibitz.indexer.filters import NO_FILTERS, Filters
from kibitz.indexer.question import read_question
from kibitz.server.errors import ModelError

if TYPE_CHECKING:
    from kibitz.indexer.search import Searcher
    from kibitz.server.app import App


def search(app: "App", query: str, k: int, *, within: str = "", filters: Filters = NO_FILTERS) -> Answer:
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


def grep(app: "App", pattern: str, k: int, *, within: str = "", filters: Filters = NO_FILTERS) -> Answer:
    """The first k lines that match a regular expression, in the order of paths; without an index as with one.

    Raises:
        PatternError: the expression does not compile.
        WorkspaceError: there is no index, and the folder cannot be read.
    """
    try:
        searcher = app.searcher()
    except NotIndexedError:
        from kibitz.indexer.grep import grep as grep_files
        from kibitz.indexer.scan import admitted

        paths = [one.path for one in admitted(app.root, app.rules, within, filters)]
        return Answer(tuple(grep_files(app.root, paths, pattern, k)), ("regex",), app.freshness())
    hits = searcher.grep(pattern, k, within=within, filters=filters)
    return Answer(tuple(hits), ("regex",), _freshness(app, searcher))


def _ask(app: "App", question: str, k: int, *, within: str, filters: Filters) -> Answer:
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


def _freshness(app: "App", searcher: "Searcher") -> Freshness:
    told, known = app.freshness(searcher.is_ahead), searcher.freshness
    return replace(known, behind=told.behind, indexing=told.indexing or known.indexing)


def _scan(app: "App", question: str, k: int, *, within: str, filters: Filters, why: str) -> Answer:
    """Look for the question's words in the files."""
    from kibitz.indexer.scan import scan

    found = scan(app.root, question, k, rules=app.rules, within=within, filters=filters)
    freshness = app.freshness()
    if freshness.indexing:
        why = "The first index round is under way."
    if filters.kinds:
        note = f"{why} Until then nobody knows what kind of code a file holds."
    else:
        of = f" of {found.files}" if found.read < found.files else ""
        note = f"{why} Until then words are looked for in the files themselves, here in {found.read}{of}."
    return Answer(found.hits, ("scan",), freshness, (note,))
