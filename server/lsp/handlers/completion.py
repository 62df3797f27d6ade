"""textDocument/inlineCompletion: ghost text; textDocument/completion for clients that have no ghost text."""

from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.errors import USER_ERRORS, NoModelError, UnreachableError
from kibitz.server.lsp.documents import Document, units
from kibitz.server.lsp.places import place

if TYPE_CHECKING:
    from kibitz.server.completion.ghost import Offer
    from kibitz.server.lsp.server import KibitzServer

ACCEPTED = "kibitz.accepted"
_LABEL_CHARACTERS = 60


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.feature(lsp.TEXT_DOCUMENT_INLINE_COMPLETION, lsp.InlineCompletionOptions())(inline_completion)
    ls.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=list(".(=,:")))(completion)


async def inline_completion(ls: "KibitzServer", params: lsp.InlineCompletionParams) -> lsp.InlineCompletionList | None:
    """Answer with one item, with a few when the user asks by hand, or with null."""
    document = ls.session.documents.find(params.text_document.uri)
    if document is None:
        return None
    selected = params.context.selected_completion_info
    at = _snapshot(ls, document, params.position, selected)
    automatic = params.context.trigger_kind == lsp.InlineCompletionTriggerKind.Automatic
    offer = await _offer(ls, document, at, automatic=automatic)
    if offer is None:
        return None
    # An item must extend what the editor's own list has selected, and stand in its place.
    where = selected.range if selected else lsp.Range(params.position, params.position)
    taken = lsp.Command(title="Accepted", command=ACCEPTED, arguments=[offer.number])
    items = [
        lsp.InlineCompletionItem(insert_text=selected.text + text if selected else text, range=where, command=taken)
        for text in offer.texts
    ]
    return lsp.InlineCompletionList(items=items)


async def completion(ls: "KibitzServer", params: lsp.CompletionParams) -> lsp.CompletionList | None:
    """Answer with the same suggestion as one item of the editor's list."""
    document = ls.session.documents.find(params.text_document.uri)
    if document is None:
        return None
    at = ls.session.snapshot(document, place(params.position))
    word = _word_before(document.line_at(place(params.position))[0])
    encoding = document.encoding
    offer = await _offer(ls, document, at, automatic=True)
    if offer is None:
        return lsp.CompletionList(is_incomplete=True, items=[])
    text = offer.texts[0]
    start = lsp.Position(params.position.line, max(0, params.position.character - units(word, encoding)))
    item = lsp.CompletionItem(
        label=_label(word + text),
        kind=lsp.CompletionItemKind.Text,
        detail="Kibitz",
        documentation=lsp.MarkupContent(lsp.MarkupKind.PlainText, word + text),
        filter_text=word,
        sort_text="\u0020",
        # Plain text: nothing in it is a snippet's placeholder, whatever it looks like.
        insert_text_format=lsp.InsertTextFormat.PlainText,
        text_edit=lsp.TextEdit(range=lsp.Range(start, params.position), new_text=word + text),
        command=lsp.Command(title="Accepted", command=ACCEPTED, arguments=[offer.number]),
    )
    return lsp.CompletionList(is_incomplete=True, items=[item])


async def _offer(ls: "KibitzServer", document: Document, at: Snapshot, *, automatic: bool) -> "Offer | None":
    """Ask for a suggestion as the only one of its document; trouble goes to the status, not into a popup a key."""
    with ls.session.only_completion(document.uri):
        try:
            offer = await ls.session.ghost.offer(document.uri, at, automatic=automatic)
        except NoModelError as error:
            ls.tell("no_model", str(error))
            return None
        except UnreachableError as error:
            ls.tell("offline", str(error))
            return None
        except USER_ERRORS as error:
            ls.tell("error", str(error))
            return None
    if ls.session.told[0] in {"error", "no_model", "offline"}:
        ls.tell("ready", "The model answers again.")
    return offer


def _snapshot(
    ls: "KibitzServer",
    document: Document,
    position: lsp.Position,
    selected: lsp.SelectedCompletionInfo | None,
) -> Snapshot:
    """Take the snapshot; where the editor's list is open, as if its selected item had been accepted."""
    if selected is None:
        return ls.session.snapshot(document, place(position))
    before = ls.session.snapshot(document, place(selected.range.start))
    after = ls.session.snapshot(document, place(selected.range.end))
    return Snapshot(
        path=before.path,
        version=before.version,
        prefix=before.prefix + selected.text,
        suffix=after.suffix,
        language=before.language,
    )


def _word_before(line: str) -> str:
    """Return the word that ends at the cursor, which the client filters its list by."""
    start = len(line)
    while start > 0 and (line[start - 1].isalnum() or line[start - 1] == "_"):
        start -= 1
    return line[start:]


def _label(text: str) -> str:
    first = next((line.strip() for line in text.splitlines() if line.strip()), text.strip())
    more = "\n" in text.strip() or len(first) > _LABEL_CHARACTERS
    return first[:_LABEL_CHARACTERS] + ("…" if more else "")
