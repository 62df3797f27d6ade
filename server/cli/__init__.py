"""The `kibitz` command. Each subcommand is a module of its own, imported when it is called."""

import importlib
import io
import os
import sys
from collections.abc import Sequence

import click

from kibitz.server import __version__

# Subcommand to module; the order is the order of the help page.
COMMANDS = {
    "index": "index",
    "search": "search",
    "symbol": "symbol",
    "outline": "symbol",
    "map": "map",
    "pack": "pack",
    "ask": "ask",
    "sessions": "sessions",
    "complete": "complete",
    "edit": "edit",
    "prompt": "prompt",
    "serve": "serve",
    "mcp": "mcp",
    "status": "state",
    "doctor": "doctor",
    "config": "state",
    "stats": "stats",
    "gc": "gc",
    "model": "model",
}
NAMES = {"map": "map_"}  # what would hide a name of Python's own is called so in its module
EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


class LazyGroup(click.Group):
    """A group that knows its subcommands by name and imports them when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, without importing anything."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the one that is wanted."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"kibitz.server.cli.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, NAMES.get(cmd_name, cmd_name))
        return command


def _print_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"kibitz {__version__}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show it.")
def cli() -> None:
    """Kibitz knows your codebase: it indexes, searches, answers, completes and edits.

    \b
    Examples:
      kibitz index                              bring this folder's index up to date
      kibitz search "where are retries made"    ranked hits, with file and lines
      kibitz symbol Session.close --callers     who calls it
      kibitz map --lines 40                     the files that all others lean on
      kibitz pack --out repository.md           all of it as one prompt
      kibitz ask "how is a session closed?"     an answer with citations
      kibitz edit "add a docstring" app.py:10-24 --apply
    """


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; every failure that a user can cause is one sentence on stderr.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
    """
    sys.exit(run(argv))


def run(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks a character shows its number instead
            stream.reconfigure(errors="backslashreplace")
    # None: colours on a terminal only. click knows nothing of https://no-color.org by itself.
    color = False if os.environ.get("NO_COLOR") else None
    arguments = list(argv) if argv is not None else None
    try:
        result = cli.main(args=arguments, prog_name="kibitz", standalone_mode=False, color=color)
    except click.UsageError as error:
        error.show()
        return EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        return _said("interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:
        _silence_stdout()
        return EXIT_FAILED
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        return _said(sentence, EXIT_FAILED)
    return result if isinstance(result, int) else 0


def _sentence(error: Exception) -> str | None:
    """What to tell the user; None for a bug, which goes up."""
    from kibitz.server.errors import USER_ERRORS

    if isinstance(error, USER_ERRORS):
        return str(error)
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, OSError):
        named = f"{error.filename}: " if error.filename else ""
        return f"{named}{error.strerror or error}"
    return None


def _said(sentence: str, code: int) -> int:
    click.echo(f"kibitz: {sentence}", err=True)
    return code


def _silence_stdout() -> None:
    """The reader has gone: nothing more can be said, not even by the interpreter's own last flush."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
