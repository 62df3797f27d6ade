"""textDocument/codeAction: edits that need no words from the user, for every editor that has a lamp."""

from typing import TYPE_CHECKING

from lsprotocol import types as lsp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kibitz.server.lsp.server import KibitzServer

_FIX = lsp.CodeActionKind.QuickFix
_REWRITE = lsp.CodeActionKind.RefactorRewrite
_TITLE_CHARACTERS = 60
_DOCUMENT = "Write or improve the documentation comments, in the style of this file. Change nothing else."


def register(ls: "KibitzServer") -> None:
    """Register the group."""
    ls.feature(lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions(code_action_kinds=[_FIX, _REWRITE]))(code_action)


async def code_action(ls: "KibitzServer", params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
    """Offer what fits the selection; each action is the command kibitz.edit."""
    document = ls.session.documents.find(params.text_document.uri)
    if document is None or not ls.session.client.apply_edit:
        return []
    offers: list[lsp.CodeAction] = []
    diagnostics = params.context.diagnostics
    if diagnostics and _wanted(_FIX, params.context.only):
        said = "; ".join(dict.fromkeys(diagnostic.message.strip() for diagnostic in diagnostics))
        first = said.partition("\n")[0][:_TITLE_CHARACTERS]
        offers.append(_action(f"Kibitz: fix “{first}”", _FIX, params, f"Fix this problem: {said}"))
    if params.range.start != params.range.end and _wanted(_REWRITE, params.context.only):
        offers.append(_action("Kibitz: write documentation", _REWRITE, params, _DOCUMENT))
    return offers


def _action(title: str, kind: lsp.CodeActionKind, params: lsp.CodeActionParams, instruction: str) -> lsp.CodeAction:
    asked = {
        "textDocument": {"uri": params.text_document.uri},
        "range": params.range,
        "instruction": instruction,
    }
    fixed = list(params.context.diagnostics) if kind == _FIX else None
    command = lsp.Command(title=title, command="kibitz.edit", arguments=[asked])
    return lsp.CodeAction(title=title, kind=kind, diagnostics=fixed, command=command)


def _wanted(kind: lsp.CodeActionKind, only: "Sequence[lsp.CodeActionKind | str] | None") -> bool:
    """Whether a client that asks for these kinds alone (and what is under them) wants one of this kind."""
    names = [str(getattr(wanted, "value", wanted)) for wanted in only or ()]
    return not names or any(kind.value == name or kind.value.startswith(f"{name}.") for name in names)
