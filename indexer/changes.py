"""What has changed in a workspace since its last round."""

from collections.abc import Mapping
from dataclasses import dataclass

from kibitz.indexer.manifest import Entry, Manifest, Passed, Stamp
from kibitz.indexer.workspace import Survey


def stamps(found: Survey) -> dict[str, Stamp]:
    """The stamps of the surveyed files."""
    return {source.path: Stamp(source.size, source.mtime_ns, source.inode) for source in found.files}


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs between a manifest and the files: `kept` and `passed` need no reading, `read` do.

    A file that could not be read is in both: its stamp does not tell whether it may be read by now.
    """

    kept: dict[str, Entry]
    passed: dict[str, Passed]
    read: list[str]
    removed: list[str]


def changes(old: Manifest | None, now: Mapping[str, Stamp]) -> Changes:
    """Compare the files' stamps with those of the last round. Pure."""
    if old is None:
        return Changes({}, {}, list(now), [])
    kept: dict[str, Entry] = {}
    passed: dict[str, Passed] = {}
    read: list[str] = []
    for path, stamp in now.items():
        if (entry := old.files.get(path)) and old.is_current(entry.stamp, stamp):
            kept[path] = entry
        elif (one := old.passed.get(path)) and old.is_current(one.stamp, stamp):
            passed[path] = one
            if one.rule == "unreadable":
                read.append(path)
        else:
            read.append(path)
    return Changes(kept, passed, read, [path for path in old.files if path not in now])
