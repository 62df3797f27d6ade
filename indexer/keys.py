"""The ids under which names are defined and referred to: hashes that meet whatever convention a name is spelt in."""

import re
from functools import lru_cache

from kibitz.indexer.imports import FILE, imported, without_ending
from kibitz.indexer.queries import REFERENCE_KINDS
from kibitz.indexer.terms import joined, term_id

# A reference's kind stands in the low bits of its key: all references to a name lie side by side.
KIND_MASK = 7
KIND_CODES = {kind: code for code, kind in enumerate((*REFERENCE_KINDS, FILE))}
CAPITAL = 0x9E3779B8  # any number without bits of a kind: capital names are others

_NAME_END = re.compile(r"[^.:#/\\]+$")


def definition_key(name: str) -> int:
    """The id of a definition's name: its last part, spelt the same in every naming convention."""
    return term_id(joined(name_end(name)))


@lru_cache(maxsize=1 << 17)
def name_key(name: str) -> int:
    """The id under which a name is referred to: a `Pool` is not what a `pool` refers to."""
    last = name_end(name)
    return term_id(joined(last)) ^ (CAPITAL if is_capital(last) else 0)


def reference_key(kind: str, name: str) -> int:
    """The id of a reference of one kind (see types.Reference) to a name."""
    return _of_kind(name_key(name), kind)


@lru_cache(maxsize=1 << 17)
def reference_keys(kind: str, name: str) -> tuple[int, ...]:
    """The ids of a reference: of an import also those of the files that it may mean."""
    if kind != "import":
        return (reference_key(kind, name),)
    return (reference_key(kind, without_ending(name)), *map(file_key, imported(name)))


def file_key(name: str) -> int:
    """The id of an import of a file, by a name as imports.names_of makes it."""
    return _of_kind(term_id(name), FILE)


def _of_kind(key: int, kind: str) -> int:
    return key & ~KIND_MASK | KIND_CODES[kind]


def is_capital(name: str) -> bool:
    """Whether a name begins with a capital letter, as those of types do in most languages."""
    return name.lstrip("_")[:1].isupper()


def name_end(name: str) -> str:
    """The last part of a name that may be qualified."""
    if name.isidentifier():  # nearly always
        return name
    last = _NAME_END.search(name)
    return last.group() if last else name
