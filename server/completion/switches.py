"""Where ghost text is off: languages by name, paths by glob."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from kibitz.server.errors import ConfigError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


def is_off(patterns: Sequence[str], path: str, language: str) -> bool:
    """Tell whether a pattern names the language, or matches the path in the workspace.

    A pattern with "*", "?", "[", "." or "/" is a glob as in .gitignore: one without "/" matches at any depth. Any other
    is a language as editors name it ("markdown", "typescriptreact").

    Raises:
        ConfigError: a glob is none.
    """
    # A "!" would switch on again what somebody else has switched off.
    patterns = [pattern for pattern in patterns if not pattern.startswith("!")]
    globs = tuple(pattern for pattern in patterns if any(mark in pattern for mark in "*?[./"))
    named = any(pattern.lower() == language.lower() for pattern in patterns if pattern not in globs)
    return named or (bool(globs) and _spec(globs).match_file(path))


@lru_cache(maxsize=8)
def _spec(globs: tuple[str, ...]) -> "GitIgnoreSpec":
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(globs)
    except (ValueError, re.error) as error:
        raise ConfigError(f"completion_off holds a pattern that is none: {error}.") from None
