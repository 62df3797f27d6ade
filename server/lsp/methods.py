"""Kibitz's own methods and the shape of their params.

On the wire the names are in camel case (`partialResultToken`); unknown names are passed over, as everywhere in the
protocol. docs/protocol.md shows each method with an example.
"""

import dataclasses
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cattrs
from cattrs.gen import make_dict_structure_fn, override
from lsprotocol import types as lsp

CHAT = "kibitz/chat"
ASK = "kibitz/ask"  # the same method by another name
EDIT = "kibitz/edit"
SEARCH = "kibitz/search"
PROMPT = "kibitz/prompt"
STATUS = "kibitz/status"
INDEX = "kibitz/index"
SESSIONS = "kibitz/sessions"
MENTIONS = "kibitz/mentions"
HUNKS = "kibitz/hunks"
FILES = "kibitz/files"
SYMBOL = "kibitz/symbol"

Token = int | str


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier message of a conversation; `role` is "user" or "assistant"."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class DocumentRef:
    """A document, at a version where the client says which."""

    uri: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document, or a range of it, that the user put beside a question."""

    text_document: DocumentRef
    range: lsp.Range | None = None


@dataclass(frozen=True, slots=True)
class DocumentDiagnostics:
    """What the editor complains of in a document."""

    uri: str
    diagnostics: tuple[lsp.Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatParams:
    """A question, what was said before, and what was attached; `folder` is the URI of one, or of a file in one.

    `session` is the id of a kept conversation, or "new"; its turns are the history. `go_on` asks for the rest of an
    answer that was cut or stopped. `text_document` is the one in front, `selection` what is selected, `diagnostics`
    what the editor shows: for mentions and slash prompts in the question.
    """

    question: str = ""
    folder: str = ""
    history: tuple[Turn, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    session: str = ""
    go_on: bool = False
    text_document: DocumentRef | None = None
    selection: Attachment | None = None
    diagnostics: tuple[DocumentDiagnostics, ...] = ()
    partial_result_token: Token | None = None
    work_done_token: Token | None = None


@dataclass(frozen=True, slots=True)
class EditParams:
    """An instruction for a document; without a range it may change all of it, and all of further `files`.

    `new_files` lets it make files, `renames` lets it give those of the request another path. `apply` sends the edit to
    the editor; `confirm` asks the editor to show it first, where the editor can; with `review` its changes wait to be
    accepted or rejected one by one.
    """

    text_document: DocumentRef
    instruction: str
    range: lsp.Range | None = None
    files: tuple[DocumentRef, ...] = ()
    new_files: bool = False
    renames: bool = False
    apply: bool = True
    confirm: bool = False
    review: bool = False
    partial_result_token: Token | None = None
    work_done_token: Token | None = None


@dataclass(frozen=True, slots=True)
class SearchFilters:
    """What may be shown: languages by name or ending, globs of paths, kinds of chunks; an empty part is all of them."""

    languages: tuple[str, ...] = ()
    globs: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchParams:
    """A query; `within` keeps only what is below a folder, and `folder` searches one of the workspace's alone.

    `regex` makes it a regular expression, and so do `fixed` (a text as it is), `ignore_case` and `word`.

    `rerank` lets the second stage order the hits, if one is set: for a question that was asked whole, not one that is
    still being typed.
    """

    query: str
    k: int = 10
    within: str = ""
    folder: str = ""
    filters: SearchFilters = SearchFilters()
    regex: bool = False
    fixed: bool = False
    ignore_case: bool = False
    word: bool = False
    rerank: bool = False
    work_done_token: Token | None = None


@dataclass(frozen=True, slots=True)
class PromptParams:
    """The request whose prompt is wanted: `kind` is "ask", "complete" or "edit", the rest is that request's.

    `html` asks for a page that shows the prompt, too. With `last` the prompts are wanted that were sent last, so many
    at most, and nothing else counts.
    """

    kind: str = ""
    folder: str = ""
    question: str = ""
    instruction: str = ""
    history: tuple[Turn, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    selection: Attachment | None = None
    diagnostics: tuple[DocumentDiagnostics, ...] = ()
    text_document: DocumentRef | None = None
    position: lsp.Position | None = None
    range: lsp.Range | None = None
    html: bool = False
    last: int | None = None


@dataclass(frozen=True, slots=True)
class HunksParams:
    """A document whose changes wait; a command may be about the one of an `id`, or about the one at a position."""

    text_document: DocumentRef
    id: int | None = None
    position: lsp.Position | None = None


@dataclass(frozen=True, slots=True)
class SessionsParams:
    """Which chat sessions are wanted: all, or the one with an id, which may be given another title or deleted."""

    folder: str = ""
    id: str = ""
    title: str = ""
    delete: bool = False


@dataclass(frozen=True, slots=True)
class MentionsParams:
    """The beginning of a question, up to the cursor."""

    text: str
    folder: str = ""


@dataclass(frozen=True, slots=True)
class FilesParams:
    """What is wanted of what the index lets in and leaves out: sums, or the paths of a `rule` or of a `language`.

    `uri` asks of one file why it is in or out; `most` bounds the paths.
    """

    folder: str = ""
    rule: str = ""
    language: str | None = None
    uri: str = ""
    most: int = 1_000


@dataclass(frozen=True, slots=True)
class SymbolParams:
    """A cursor in an open document."""

    text_document: DocumentRef
    position: lsp.Position


@dataclass(frozen=True, slots=True)
class StatusParams:
    """Nothing to say."""


@dataclass(frozen=True, slots=True)
class IndexParams:
    """Where to report progress; `folder` indexes one of the workspace's alone, `rebuild` from nothing."""

    folder: str = ""
    rebuild: bool = False
    work_done_token: Token | None = None


CUSTOM_PARAMS: Mapping[str, type] = {
    CHAT: ChatParams,
    ASK: ChatParams,
    EDIT: EditParams,
    SEARCH: SearchParams,
    PROMPT: PromptParams,
    STATUS: StatusParams,
    INDEX: IndexParams,
    SESSIONS: SessionsParams,
    MENTIONS: MentionsParams,
    HUNKS: HunksParams,
    FILES: FilesParams,
    SYMBOL: SymbolParams,
}


def camel(name: str) -> str:
    """Return the name on the wire: "text_document" is "textDocument"."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def register(converter: cattrs.Converter) -> None:
    """Teach a converter our params; each kind's code is generated when it first comes."""
    parts = (Turn, DocumentRef, Attachment, DocumentDiagnostics, SearchFilters)
    kinds = {*parts, *CUSTOM_PARAMS.values()}

    def generate(kind: Any) -> Callable[[Any, Any], Any]:
        hints = typing.get_type_hints(kind)
        hooks = {
            f.name: override(rename=camel(f.name), struct_hook=_STRICT.get(hints[f.name]))
            for f in dataclasses.fields(kind)
        }
        return _of_object(make_dict_structure_fn(kind, converter, **hooks))  # type: ignore[arg-type]

    converter.register_structure_hook_factory(kinds.__contains__, generate)


def _of_object(structure: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Take an object and nothing else: where all names may be missing, anything would do."""

    def take(value: Any, kind: Any) -> Any:
        if not isinstance(value, Mapping):
            raise TypeError("expected object")
        return structure(value, kind)

    return take


def _strings(value: Any, _: Any) -> tuple[str, ...]:
    """Take a list of strings: the converter would make letters of one string."""
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise TypeError("expected list of strings")
    return tuple(value)


def _strict(*kinds: type) -> Callable[[Any, Any], Any]:
    """Take a value of these types as it is and nothing else: the converter would make "5" of 5."""

    def take(value: Any, _: Any) -> Any:
        if int in kinds and isinstance(value, float) and value.is_integer():
            return int(value)  # some editors' languages know one kind of number
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            spoken = " or ".join("null" if kind is type(None) else kind.__name__ for kind in kinds)
            raise TypeError(f"expected {spoken}")
        return value

    return take


_STRICT: Mapping[Any, Callable[[Any, Any], Any]] = {
    str: _strict(str),
    int: _strict(int),
    bool: _strict(bool),
    tuple[str, ...]: _strings,
    int | None: _strict(int, type(None)),
    str | None: _strict(str, type(None)),
    Token | None: _strict(int, str, type(None)),
}
