"""`kibitz ask`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kibitz.server.cli.shared import (
    closing,
    emit,
    ensure_indexed,
    json_option,
    make_app,
    model_options,
    path_option,
    run_async,
    show,
)

if TYPE_CHECKING:
    from kibitz.server.app import App
    from kibitz.server.chat.citations import Citation


@click.command()
@click.argument("question", nargs=-1, required=True)
@path_option
@model_options
@click.option("--budget", "ask_budget_tokens", type=click.IntRange(1), help="Prompt and answer, in tokens.")
@click.option("--session", metavar="ID", default="", help="Go on with a kept conversation; `new` begins one.")
@json_option
def ask(
    *,
    question: tuple[str, ...],
    root: Path,
    base_url: str | None,
    chat_model: str | None,
    ask_budget_tokens: int | None,
    session: str,
    as_json: bool,
) -> None:
    """Answer a question about the code, streamed, with citations that were really in the prompt.

    A question may mention files (@src/app.py:10-24, @file:…), folders (@folder:src), names (@symbol:Session.close), and
    what has changed (@diff, @diff:main). /explain, /fix, /test, /document, /review and /commit stand for longer texts.

    \b
    Examples:
      kibitz ask how is a session closed
      kibitz ask "what calls the scheduler?" --model qwen2.5-coder:7b
      kibitz ask "why does @src/pool.py:40-60 wait?" --session new
      kibitz ask /review
      kibitz ask /commit | git commit -F -
    """
    if not "".join(question).strip():
        raise click.UsageError("Give a question.")
    app = make_app(root, base_url=base_url, chat_model=chat_model, ask_budget_tokens=ask_budget_tokens)
    ensure_indexed(app)
    run_async(_ask(app, " ".join(question), session, as_json))


async def _ask(app: "App", question: str, session: str, as_json: bool) -> None:
    from kibitz.server.chat.ask import collect
    from kibitz.server.chat.beside import Beside
    from kibitz.server.chat.keeping import NEW, Keeping
    from kibitz.server.chat.sources import sources

    def on_text(text: str) -> None:
        if as_json:
            emit({"event": "delta", "text": text})
        else:
            show(text, nl=False)

    async with closing(app):
        kept = Keeping.of(app.sessions, session) if session else None
        composed = await app.compose(question, Beside(history=kept.history if kept else ()))
        for note in composed.notes:
            click.echo(f"kibitz: {note}", err=True)
        await app.models()
        rendered = await app.ask_prompt(composed.question)
        if app.second_stage.note:
            click.echo(f"kibitz: {app.second_stage.note}", err=True)
        answer = await collect(app.ask(rendered), rendered, on_text)
        shown = sources(rendered, composed.question.whys)
        cited = [asdict(citation) for citation in answer.citations]
        if kept is not None:
            await kept.add(question, answer.text, answer.finish_reason, cited)
            if session == NEW:
                click.echo(f"\nkibitz: this is session {kept.id}.", err=True)
        if as_json:
            emit(
                {
                    "event": "answer",
                    "text": answer.text,
                    "citations": cited,
                    "sources": [asdict(source) for source in shown],
                    "finish_reason": answer.finish_reason,
                    "session": kept.id if kept is not None else None,
                    "notes": list(composed.notes),
                }
            )
            return
    if composed.plain:
        click.echo()
        return
    click.echo("\n")
    for title, places in (("Cited", answer.citations), ("In the prompt", shown)):
        if places:
            click.echo(f"{title}: " + ", ".join(map(_place, places)))
    if answer.finish_reason == "length":
        click.echo("kibitz: the answer reached its length limit (answer_tokens) and was cut.", err=True)


def _place(place: "Citation") -> str:
    """Return a place with why it was in the prompt, unless a search found it."""
    lines = f":{place.start_line}-{place.end_line}" if place.start_line else ""
    why = getattr(place, "why", "found")
    return f"{place.path}{lines}" + ("" if why == "found" else f" ({why})")
