"""One file a group of methods: a handler translates, calls one function of ours, and translates back."""

from typing import TYPE_CHECKING

from kibitz.server.lsp.handlers import (
    accept,
    actions,
    chat,
    commands,
    completion,
    configuration,
    coverage,
    edit,
    files,
    index,
    lifecycle,
    notebooks,
    prompt,
    review,
    search,
    sessions,
    status,
    sync,
)

if TYPE_CHECKING:
    from kibitz.server.lsp.server import KibitzServer


def register(ls: "KibitzServer") -> None:
    """Register every method that the server answers."""
    for group in (
        lifecycle,
        configuration,
        sync,
        notebooks,
        files,
        completion,
        search,
        chat,
        sessions,
        edit,
        prompt,
        review,
        status,
        index,
        coverage,
        commands,
        accept,
        actions,
    ):
        group.register(ls)
