"""Which file of a request a model means: it may shorten a path, or put before it what diffs do."""

from collections.abc import Sequence
from dataclasses import dataclass

from kibitz.server.edit.block import Rename
from kibitz.server.edit.change import Target, Targets
from kibitz.server.errors import EditError

_SHOWN = 60  # characters of a path


def spelled(named: str) -> str:
    """Write a path as the workspace does: with "/", without "./" before it."""
    path = named.strip().replace("\\", "/")
    while path.startswith("./"):
        path = path[2:]
    return path


@dataclass(frozen=True, slots=True)
class Named:
    """A file of the request; `exact` where the model wrote its path in full."""

    target: Target
    exact: bool


class Names:
    """The files of a request by the names that a model may give them; one that is renamed has both of its paths."""

    def __init__(self, targets: Targets, renames: Sequence[Rename] = ()) -> None:
        """Take the files, and the new paths of those that get one.

        Raises:
            EditError: a rename is not allowed, is of a file that is not in the request, or is one of two.
        """
        self._by_path = {target.path: target for target in targets.files}
        self.new_paths: dict[str, str] = {}
        for rename in renames:
            old = self.find(rename.path)
            if not targets.renames:
                raise EditError(f"The model wants to rename {rename.path[:_SHOWN]}, which the request does not allow.")
            if old is None:
                raise EditError(outside(rename.path))
            new = spelled(rename.new_path)
            if old.target.path in self.new_paths or new in self.new_paths.values():
                raise EditError(f"The model renames {old.target.path} more than once; ask again.")
            if new in self._by_path:
                raise EditError(f"The model renames {old.target.path} to {new[:_SHOWN]}, which is there; ask again.")
            self.new_paths[old.target.path] = new
        self._by_path |= {new: self._by_path[old] for old, new in self.new_paths.items()}

    def find(self, named: str) -> Named | None:
        """Return the file that a path names; None for one that is not in the request.

        Raises:
            EditError: several files could be meant.
        """
        path = spelled(named)
        for one in (path, path[2:] if path[:2] in ("a/", "b/") else path):
            if one in self._by_path:
                return Named(self._by_path[one], exact=True)
        loose = {target.path: target for known, target in self._by_path.items() if _may_mean(path, known)}
        if len(loose) > 1:
            raise EditError(f"The model's {named[:_SHOWN]} could be {' or '.join(sorted(loose))}; ask again.")
        return next((Named(target, exact=False) for target in loose.values()), None)


def outside(named: str) -> str:
    """Say that a file is none of the request's."""
    return (
        f"The model wants to edit {named[:_SHOWN]}, which is not among the files of the request; add it if it is meant."
    )


def _may_mean(named: str, path: str) -> bool:
    """Whether a path is the end of another, an absolute one of it, or the same in other letters' case."""
    named, path = named.casefold(), path.casefold()
    absolute = named.startswith("/") or named[1:3] == ":/"
    return named == path or path.endswith("/" + named.lstrip("/")) or (absolute and named.endswith("/" + path))
