"""`kibitz index`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kibitz.server.cli.shared import PATH, emit, json_option, make_app, printable, progress_bar, update_index

if TYPE_CHECKING:
    from kibitz.indexer.index import Progress, Report
    from kibitz.indexer.plan import Amount
    from kibitz.server.app import App


@click.command()
@click.argument("root", type=PATH, default=".", metavar="[PATH]")
@click.option("--plan", "only_plan", is_flag=True, help="Say what would be indexed and left out; do nothing.")
@click.option("--rebuild", is_flag=True, help="Throw the index away and make it again.")
@click.option("--watch", "keep_on", is_flag=True, help="Go on with a round whenever something changes.")
@json_option
def index(*, root: Path, only_plan: bool, rebuild: bool, keep_on: bool, as_json: bool) -> None:
    """Bring the index of a folder up to date.

    Only files whose content changed are parsed and embedded. Interrupting it at any time leaves the last
    complete state; the next run goes on from there.

    \b
    Examples:
      kibitz index
      kibitz index ~/src/project --plan
      kibitz index --watch
    """
    if only_plan and keep_on:
        raise click.UsageError("Give --plan or --watch, not both.")
    app = make_app(root)
    if only_plan:
        _show_plan(app, as_json)
        return
    if keep_on:
        from kibitz.server.cli.follow import follow

        follow(app, as_json=as_json, rebuild=rebuild)
    if as_json:
        report = update_index(app, show=_emit_progress, rebuild=rebuild)
        emit({"event": "report", **asdict(report)})
        return
    with progress_bar() as show:
        report = update_index(app, show=show, rebuild=rebuild)
    click.echo(sentence(report))


def _emit_progress(progress: "Progress") -> None:
    emit({"event": "progress", **asdict(progress)})


def sentence(report: "Report") -> str:
    """The report as a person reads it."""
    lines = [
        f"{report.files} files, {report.chunks} chunks: {report.parsed_files} files parsed, "
        f"{report.embedded_chunks} chunks embedded, {report.removed_files} files gone, in {report.seconds:.1f} s."
    ]
    if report.rebuilt:
        lines.insert(0, report.rebuilt)
    if report.skipped:
        counts = sorted(report.skipped.items(), key=lambda item: (-item[1], item[0]))
        lines.append("Left out: " + ", ".join(f"{count} {rule}" for rule, count in counts) + ".")
    if report.warning:
        lines.append(f"Warning: {report.warning}")
    return "\n".join(lines)


def _show_plan(app: "App", as_json: bool) -> None:
    planned = app.plan()
    sent = planned.todo.tokens if app.config.embedding_model else 0
    cost = _cost(app, sent)
    if as_json:
        emit({**asdict(planned), "sent_tokens": sent, "cost": cost})
        return
    click.echo(f"{planned.files} files, {planned.bytes / 1e6:.1f} MB; {planned.changed_files} to parse.")
    click.echo(f"To do now: {_estimate(planned.todo)}{' and the time of the endpoint' if sent else ''} (estimates).")
    click.echo(_cost_line(app, sent, cost))
    if planned.warning:
        click.echo(f"Warning: {planned.warning}")
    for title, amounts in (("By language", planned.by_language), ("Left out by rule", planned.by_rule)):
        click.echo(f"{title}:")
        for name, amount in amounts.items():
            files = f"{amount.files:>7} files" + (f" and {amount.folders} folders" if amount.folders else "")
            click.echo(f"  {files}, {_estimate(amount)}  {printable(name) or 'no grammar'}")


def _estimate(amount: "Amount") -> str:
    return f"{amount.bytes / 1e6:.1f} MB, about {amount.tokens} tokens, {amount.seconds:.1f} s"


def _cost(app: "App", sent_tokens: int) -> float | None:
    """What the endpoint takes for embedding so many tokens; None when its price is not known."""
    if not app.config.embedding_model:
        return 0.0
    price = app.config.embedding_price
    return sent_tokens * price / 1e6 if price else None


def _cost_line(app: "App", sent_tokens: int, cost: float | None) -> str:
    model = app.config.embedding_model
    if not model:
        return "Cost: none; the embedder is built in and nothing is sent."
    sent = f"Cost: about {sent_tokens} tokens are sent to {printable(model)}"
    if cost is None:
        return f"{sent}; set embedding_price to see what that costs."
    return f"{sent}, {cost:.4f} at {app.config.embedding_price:g} a million."
