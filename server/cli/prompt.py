"""`kibitz prompt`: what a request would send, with no model called."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kibitz.server import __version__
from kibitz.server.cli import EXIT_FAILED
from kibitz.server.cli.latency import explain_latency
from kibitz.server.cli.places import parse_place, workspace_of
from kibitz.server.cli.requests import snapshot_at, target_at
from kibitz.server.cli.shared import (
    PATH,
    closing,
    emit,
    ensure_indexed,
    json_option,
    make_app,
    path_option,
    run_async,
    show,
)

if TYPE_CHECKING:
    from kibitz.prompts.pace import Choice
    from kibitz.prompts.render import Rendered
    from kibitz.server.app import App

EXPLAIN_LATENCY = "--explain-latency"

budget_option = click.option("--budget", type=click.IntRange(1), help="Prompt and answer, in tokens.")
html_option = click.option("--html", type=PATH, help="Write one self-contained page.")
dump_option = click.option("--dump", type=PATH, help="Write what it is made from, without secrets, for `replay`.")
file_root_option = click.option("--path", "root", type=PATH, help="The workspace.")


class PromptGroup(click.Group):
    """A group with one subcommand that is spelled as an option, wherever that stands: it takes all the others."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments."""
        if EXPLAIN_LATENCY in args and args[0] not in self.commands:
            args = [explain_latency.name or "", *(arg for arg in args if arg != EXPLAIN_LATENCY)]
        return super().parse_args(ctx, args)


@click.group(cls=PromptGroup)
@click.option(
    EXPLAIN_LATENCY,
    is_flag=True,
    expose_value=False,
    help="Reckon instead what a prompt costs on a model and a device; with -h its options.",
)
def prompt() -> None:
    """Show the rendered prompt of a request: what is in, what was left out and why. No model is called.

    \b
    Examples:
      kibitz prompt ask "how is a session closed" --budget 4000
      kibitz prompt complete app.py:120 --html prompt.html
      kibitz prompt edit "add type hints" app.py:10-24 --json
      kibitz prompt --explain-latency --model llama-3-8b --device h100
      kibitz prompt ask "how is a session closed" --dump prompt.json
      kibitz prompt replay prompt.json --budget 2000
    """


prompt.add_command(explain_latency)


@prompt.command()
@click.argument("question", nargs=-1, required=True)
@path_option
@budget_option
@html_option
@dump_option
@json_option
def ask(*, question: tuple[str, ...], root: Path, budget: int | None, **output: Any) -> None:
    """The prompt of a question."""
    from kibitz.server.chat.beside import Beside

    app = make_app(root, ask_budget_tokens=budget)
    ensure_indexed(app)

    async def render() -> "Rendered":
        composed = await app.compose(" ".join(question), Beside())
        for note in composed.notes:
            click.echo(f"kibitz: {note}", err=True)
        return await app.ask_prompt(composed.question)

    _render(app, render, **output)


@prompt.command()
@click.argument("place", metavar="FILE:LINE:COL")
@file_root_option
@budget_option
@html_option
@dump_option
@json_option
def complete(*, place: str, root: Path | None, budget: int | None, **output: Any) -> None:
    """The prompt of a completion."""
    where = parse_place(place)
    root, path = workspace_of(where, root)
    at = snapshot_at(root, path, where)
    app = make_app(root, completion_budget_tokens=budget)
    _render(app, lambda: app.completion_prompt(at), choose=app.completion_budget, **output)


@prompt.command()
@click.argument("instruction")
@click.argument("place", metavar="FILE[:A-B]")
@file_root_option
@budget_option
@html_option
@dump_option
@json_option
def edit(*, instruction: str, place: str, root: Path | None, budget: int | None, **output: Any) -> None:
    """The prompt of an edit."""
    where = parse_place(place)
    root, path = workspace_of(where, root)
    target = target_at(root, path, where)
    from kibitz.server.edit.change import Targets

    app = make_app(root, edit_budget_tokens=budget)
    _render(app, lambda: app.edit_prompt(instruction, Targets(target)), **output)


@prompt.command()
@click.argument("file", type=PATH)
@budget_option
@html_option
@json_option
def replay(*, file: Path, budget: int | None, html: Path | None, as_json: bool) -> None:
    """Render a dumped prompt again and show how it differs from what was rendered then: exit code 1 if it does."""
    from kibitz.prompts.dump import LARGEST, load
    from kibitz.prompts.dump import replay as rendered_again
    from kibitz.prompts.errors import DumpError

    with file.open(encoding="utf-8", errors="replace") as stream:
        text = stream.read(LARGEST + 1)
    try:
        dump = load(text)
    except DumpError as error:
        raise DumpError(f"{file}: {error}") from None
    again = rendered_again(dump, budget_tokens=budget)
    if html is not None and again.rendered is not None:
        _write_page(again.rendered, html)
    if as_json:
        from kibitz.prompts import trace

        told = {} if again.rendered is None else trace.as_json(again.rendered)
        emit({"same": not again.diff, "diff": again.diff, "dumped_by": dump.version, **told})
    elif again.diff:
        show(again.diff, nl=False)
    else:
        click.echo("The same prompt.")
    if again.diff:
        click.get_current_context().exit(EXIT_FAILED)


def _render(
    app: "App",
    make: "Callable[[], Coroutine[Any, Any, Rendered]]",
    *,
    html: Path | None,
    dump: Path | None,
    as_json: bool,
    choose: "Callable[[], Coroutine[Any, Any, Choice]] | None" = None,
) -> None:
    async def made() -> "tuple[Rendered, Choice | None]":
        async with closing(app):
            return await make(), (await choose() if choose else None)

    rendered, budget = run_async(made())
    if html is not None:
        _write_page(rendered, html)
    if dump is not None:
        from kibitz.indexer.secrets import blotted
        from kibitz.prompts.dump import dump as dumped

        dump.write_text(dumped(rendered, version=__version__, clean=blotted), encoding="utf-8")
        click.echo(f"Wrote {dump}.", err=True)
    if as_json:
        from kibitz.prompts import trace

        emit({**trace.as_json(rendered), **({"budget_why": budget.why} if budget else {})})
    elif html is None and dump is None:
        _show(rendered)
        if budget:
            click.echo(f"budget: {budget.why}")


def _write_page(rendered: "Rendered", file: Path) -> None:
    from kibitz.prompts import page

    file.write_text(page.html(rendered), encoding="utf-8")
    click.echo(f"Wrote {file}.", err=True)


def _show(rendered: "Rendered") -> None:
    from kibitz.prompts import trace

    value = trace.as_json(rendered)
    for message in value["messages"] or [{"role": "prompt", "content": value["text"]}]:
        click.echo(click.style(f"── {message['role']} ", bold=True) + "─" * 60)
        show(message["content"])
    exact = "" if value["exact"] else " (an estimate that counts too many, never too few)"
    click.echo(click.style("── sizes ", bold=True) + "─" * 60)
    click.echo(f"{value['tokens']} tokens{exact} + {value['reserved']} for the answer, of {value['budget']}")
    for part in value["parts"]:
        if part["name"] and not part["shown"]:
            click.echo(f"left out: {part['name']}, {part['tokens']} tokens: {part['why']}")
