"""`kibitz pack`: a repository as one prompt."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kibitz.server.cli.shared import PATH, emit, ensure_indexed, expanded, json_option, make_app, progress_bar, show

if TYPE_CHECKING:
    from kibitz.server.app import App
    from kibitz.server.pack.make import Pack

_MODEL = "gpt-4.1"  # where no model is named, its tokens are counted


@click.command()
@click.argument("root", type=PATH, default=".", metavar="[PATH]")
@click.option("--budget", type=click.IntRange(1), default=1_000_000, show_default=True, help="The most tokens.")
@click.option("--question", default="", help="Take only what matters to it; it stands at the end.")
@click.option("--out", type=PATH, help="Write the prompt here instead of to stdout.")
@click.option("--model", metavar="NAME", help="The model whose tokens are counted.  [default: chat_model, or GPT-4.1]")
@click.option("--price", type=click.FloatRange(0), help="What the model takes for a million tokens of a prompt.")
@click.option("--cached-price", type=click.FloatRange(0), help="What it takes for those that it has cached.")
@click.option("--fresh", is_flag=True, help="Start from the beginning instead of as the pack before.")
@json_option
def pack(
    *,
    root: Path,
    budget: int,
    question: str,
    out: Path | None,
    model: str | None,
    price: float | None,
    cached_price: float | None,
    fresh: bool,
    as_json: bool,
) -> None:
    """Pack a repository, or what of it matters to a question, into one prompt for a model with a long context.

    Names of all files and a map come first, then files: whole, or cut at their definitions, or by name alone, as the
    budget allows. The next pack begins as this one did, with what has changed at its end, so that a provider's cache of
    the beginning is used again.

    \b
    Examples:
      kibitz pack --out repository.md
      kibitz pack src --budget 100000 | pbcopy
      kibitz pack --question "how are sessions closed?" --budget 50000
      kibitz pack --out repository.md --price 2 --cached-price 0.5
    """
    if cached_price is not None and price is None:
        raise click.UsageError("--cached-price needs --price.")
    from kibitz.prompts.model_names import tokenizer_for
    from kibitz.server.pack import state
    from kibitz.server.pack.make import Wanted, make_pack

    app = make_app(root)
    out = expanded(out) if out is not None else None
    _index(app)
    wanted = Wanted(budget, question.strip(), fresh, _inside(out, app.root))
    tokenizer = tokenizer_for(model or app.config.chat_model or _MODEL)
    with progress_bar() as bar:
        from kibitz.indexer.round import Progress

        made = make_pack(app, wanted, tokenizer, lambda phase, done, total: bar(Progress(phase, done, total)))
    if out is not None:
        from kibitz.server.pack.output import write

        write(out, made.text)
    costs = _costs(made, price, cached_price)
    if as_json:
        emit(_pack_json(made, budget, tokenizer.exact, costs, str(out) if out is not None else None))
    elif out is None:
        show(made.text, nl=False)
    _keep(made, state.place(app.config.cache_dir, app.root, wanted.question), app.root)
    if not as_json:
        _summarise(made, budget, tokenizer.exact, costs, out)


def _index(app: "App") -> None:
    """See to an index, for the ranks and the map; without one files are packed all the same."""
    from kibitz.indexer.errors import IndexBusyError, WorkspaceError

    try:
        ensure_indexed(app)
    except IndexBusyError as error:
        click.echo(f"kibitz: packed without a map: {error}", err=True)
    except WorkspaceError:  # there is nothing to index, and so nothing to pack, which is said better later
        return


def _keep(made: "Pack", place: Path, root: Path) -> None:
    """Remember it for the next one; a cache that cannot be written makes that one start from the beginning."""
    from kibitz.indexer.errors import DiskFullError
    from kibitz.server.pack import state

    try:
        state.save(made.state, place, root)
    except (OSError, DiskFullError) as error:
        click.echo(f"kibitz: the next pack will start from the beginning: {error}", err=True)


def _inside(out: Path | None, root: Path) -> str:
    """The path of the output in the workspace; "" for one that lies elsewhere."""
    place = out.resolve() if out is not None else root
    return place.relative_to(root).as_posix() if place != root and place.is_relative_to(root) else ""


def _costs(made: "Pack", price: float | None, cached_price: float | None) -> dict[str, float | None]:
    """What sending it costs, and what it costs where the beginning of the pack before is still cached."""
    if price is None:
        return {"full": None, "cached": None}
    full = made.tokens * price / 1e6
    if cached_price is None or made.shared_tokens is None:
        return {"full": full, "cached": None}
    return {"full": full, "cached": full - made.shared_tokens * (price - cached_price) / 1e6}


def _pack_json(
    made: "Pack", budget: int, exact: bool, costs: dict[str, float | None], out: str | None
) -> dict[str, Any]:
    """A pack with the names of docs/cli.md."""
    names = ("path", "form", "tokens", "changed")
    return {
        "tokens": made.tokens,
        "budget": budget,
        "tokenizer": made.state.tokenizer,
        "exact": exact,
        "shared_tokens": made.shared_tokens,
        "cost": costs["full"],
        "cached_cost": costs["cached"],
        "files": [{name: getattr(one, name) for name in names} for one in made.state.segments],
        "total": len(made.state.seen),
        "left_out": dict(made.left_out),
        **({"out": out} if out is not None else {"text": made.text}),
    }


def _summarise(made: "Pack", budget: int, exact: bool, costs: dict[str, float | None], out: Path | None) -> None:
    """Say on stderr what it holds, what it lacks and what it costs."""
    forms = [one.form for one in made.state.segments]
    shown = len({one.path for one in made.state.segments})
    about = "" if exact else " (an estimate that counts too many, never too few)"
    place = f"{out}: " if out is not None else ""
    click.echo(f"{place}{made.tokens:,} of {budget:,} tokens of {made.state.tokenizer}{about}", err=True)
    rest = len(made.state.seen) - shown
    click.echo(f"{forms.count('text'):,} texts, {forms.count('outline'):,} files cut, {rest:,} not shown", err=True)
    if made.left_out:
        rules = ", ".join(f"{count:,} {rule}" for rule, count in sorted(made.left_out.items()))
        click.echo(f"Left out by rules: {rules}", err=True)
    if made.shared_tokens is not None:
        share = made.shared_tokens / made.tokens
        click.echo(f"{made.shared_tokens:,} tokens ({share:.1%}) begin as the pack before", err=True)
    if costs["full"] is not None:
        cached = f", {costs['cached']:.4f} with that cached" if costs["cached"] is not None else ""
        click.echo(f"Cost: {costs['full']:.4f}{cached}", err=True)
