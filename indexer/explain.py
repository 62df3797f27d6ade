"""Why one file is in the index of a workspace, or why it is not."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from kibitz.indexer import git
from kibitz.indexer.cut import Blob, read_blob
from kibitz.indexer.embed import Embedder
from kibitz.indexer.errors import WorkspaceError
from kibitz.indexer.files import read_regular
from kibitz.indexer.ignore import deciding_line
from kibitz.indexer.languages import language_of
from kibitz.indexer.layout import places
from kibitz.indexer.manifest import Entry, Manifest, Stamp, load
from kibitz.indexer.workspace import Rules, Skipped, Source, Survey, survey

_DEFAULT_RULES = Rules()
_UNSEEN = "no round has seen it yet; the next one enters it"

_REASONS = {
    "size": "it is larger than the largest file that the settings allow",
    "binary": "it is no text",
    "data": "it holds data, translations, recordings or drawings",
    "generated": "a program wrote it",
    "minified": "it is minified, or the map of such a file",
    "lock": "it is a lock file",
    "secret": "it holds a key, a token or a credential, or has the name of such a file",
    "vendored": "it is in a folder that a tool fetched or made",
    "ignored": "an ignore file or the settings leave it out",
    "symlink": "it is a link, or behind one; what it points to is indexed in its own place",
    "special": "it is neither a file nor a folder",
    "repository": "it belongs to another repository inside this one",
    "name": "its name is not Unicode",
    "unreadable": "it cannot be read",
    "timeout": "its parser took too long",
    "crash": "its parser crashed",
}


@dataclass(frozen=True, slots=True)
class FileStatus:
    """What the index knows of one file, and what the next round will do with it.

    `rule` leaves it out, "" when none does; `origin` says where the rule stands: an ignore file's line and pattern,
    the folder, the name or the content. A file can be indexed and left out at once, until the next round. `blob` and
    `chunks` are those of the index; `size` in bytes is the file's own, None when it has gone. `changed`: since it was
    indexed.
    """

    path: str
    indexed: bool
    rule: str = ""
    origin: str = ""
    reason: str = ""
    blob: str | None = None
    chunks: int = 0
    size: int | None = None
    language: str = ""
    changed: bool = False


def reason_of(rule: str) -> str:
    """Say in words why a rule leaves files out; "" for an unknown one."""
    return _REASONS.get(rule.partition(":")[0], "")


def file_status(
    root: Path, file: Path, *, cache_dir: Path, embedder: Embedder, rules: Rules = _DEFAULT_RULES
) -> FileStatus:
    """Say of one file whether it is in the index of the workspace `root`, and by which rule it is not.

    Raises:
        WorkspaceError: the file is outside the workspace, is a folder or does not exist; the folder cannot be read.
    """
    path = _relative(root, file)
    manifest = load(places(root, cache_dir, embedder).manifest(root))
    entry = manifest.files.get(path) if manifest else None
    if not os.path.lexists(root / path):
        if entry is None:
            raise WorkspaceError(f"There is no file or folder {file}.")
        return FileStatus(path, True, blob=entry.blob, chunks=entry.chunks, language=language_of(path), changed=True)
    if (root / path).is_dir() and not (root / path).is_symlink():
        raise WorkspaceError(f"{file} is a folder; name a file in it.")
    found = survey(root, rules)
    state = FileStatus(path, entry is not None, size=(root / path).lstat().st_size, language=language_of(path))
    if entry is not None:
        state = replace(state, blob=entry.blob, chunks=entry.chunks)
    source = next((source for source in found.files if source.path == path), None)
    if source is None:
        rule, origin = _left_out(root, path, found, rules)
        return replace(state, rule=rule, origin=origin, reason=reason_of(rule))
    return _admitted(root, state, source, manifest, rules)


def _relative(root: Path, file: Path) -> str:
    """The path inside the workspace; a link in the file's own place is not followed."""
    absolute = file.absolute()
    try:
        inside = absolute.parent.resolve() / absolute.name
        return inside.relative_to(root.resolve()).as_posix()
    except (ValueError, OSError, RuntimeError):
        raise WorkspaceError(f"{file} is outside the workspace {root}; name the workspace with --path.") from None


def _admitted(root: Path, state: FileStatus, source: Source, manifest: Manifest | None, rules: Rules) -> FileStatus:
    """The state of a file that no rule on its place or name leaves out: its content may still."""
    now = Stamp(source.size, source.mtime_ns, source.inode)
    entry = manifest.files.get(state.path) if manifest else None
    passed = manifest.passed.get(state.path) if manifest else None
    if manifest and entry and manifest.is_current(entry.stamp, now):
        return replace(state, language=_language(entry.blob))
    if manifest and passed and manifest.is_current(passed.stamp, now):
        return replace(state, rule=passed.rule, origin="its content", reason=reason_of(passed.rule))
    read = read_blob(root, state.path, max_bytes=rules.max_bytes)
    if isinstance(read, Skipped):
        return replace(
            state, rule=read.rule, origin="its content", reason=reason_of(read.rule), changed=entry is not None
        )
    return _readable(state, read, entry)


def _readable(state: FileStatus, read: Blob, entry: Entry | None) -> FileStatus:
    if entry is None:
        return replace(state, language=read.language, reason=_UNSEEN)
    return replace(state, language=read.language, changed=read.blob != entry.blob)


def _language(blob: str) -> str:
    """The language that a blob was cut by."""
    grammar = blob.rpartition(".")[2]
    return {"text": "", "tsx": "typescript"}.get(grammar, grammar)


def _left_out(root: Path, path: str, found: Survey, rules: Rules) -> tuple[str, str]:
    """The rule that keeps a file out by its place, name or kind, and where that rule stands."""
    for skip in found.skipped:
        if skip.path == path or (skip.path.endswith("/") and path.startswith(skip.path)):
            return skip.rule, _origin(root, path, skip, rules)
    if found.git and (pattern := git.ignore_rule(root, path)):
        return "ignored:git", pattern
    folders = [path[:at] for at, sign in enumerate(path) if sign == "/"]
    if link := next((folder for folder in folders if (root / folder).is_symlink()), None):
        return "symlink", f"{link}/"
    return ("vendored", ".git/") if ".git" in path.split("/") else ("unreadable", "")


def _origin(root: Path, path: str, skip: Skipped, rules: Rules) -> str:
    kind, _, where = skip.rule.partition(":")
    if skip.path.endswith("/") and kind != "ignored":
        return skip.path
    if kind != "ignored":
        return "its kind" if kind in ("symlink", "special") else "its name or size"
    if where == "settings":
        number = deciding_line(rules.ignore, path)
        return f"settings: {rules.ignore[number - 1]}" if number else "settings"
    folder = where.rpartition("/")[0]
    try:
        lines = read_regular(root / where).decode("utf-8-sig", "replace").split("\n")
    except OSError:
        return where
    number = deciding_line(lines, path.removeprefix(f"{folder}/") if folder else path)
    return f"{where}:{number}: {lines[number - 1].strip()}" if number else where
