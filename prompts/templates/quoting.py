"""Foreign text inside a prompt: fences it cannot close, control strings it cannot speak, comments.

Text of the workspace is data. A server that applies a chat or FIM format may read control strings ("<|im_end|>") in
it as the format's own, so they are taken apart with one space after the first character: readable, and no longer a
control string. Offsets into a text that is going to be edited must not move, so an edit's target is never touched.
"""

import re
from collections.abc import Iterable

from kibitz.prompts.templates.context import ContextItem

_FENCE = re.compile(r"`{3,}")
# The control strings of the chat formats in use: ChatML, Llama 2 and 3, Mistral, Gemma, DeepSeek, Granite, Phi.
_CHAT = re.compile(  # the wide bars are DeepSeek's
    r"<\|[\w./-]{1,40}\|>|<｜[^<>｜\n]{1,40}｜>|</?s>|\[/?INST\]|<</?SYS>>|</?(?:start|end)_of_turn>|<[be]os>"  # noqa: RUF001
)

# What begins a comment, and the file extensions whose languages it does that in.
_MARKS = (
    ("//", " c h cc cpp cxx hpp hh cs java kt kts js jsx mjs cjs ts tsx go rs swift scala php dart groovy zig "),
    ("//", " proto less scss sass v fs json5 jsonc "),
    ("--", " sql lua hs elm ada vhd "),
    (";", " lisp clj cljs el scm rkt asm ini "),
    ("%", " tex erl hrl m "),
    ('"', " vim "),
    ("'", " vb "),
)
_BLOCKS = (
    ("<!--", "-->", " html htm xml svg md markdown vue svelte "),
    ("/*", "*/", " css "),
    ("(*", "*)", " ml mli "),
)

_LONGEST_EXTENSION = 16  # characters; what is longer names no language

# What stands behind a place, and in place of the file's language behind a fence.
_WHAT = {
    "symbol": "definition",
    "selection": "selected by the user",
    "diff": "changed recently",
    "diagnostics": "problems reported here",
    "rules": "conventions of this workspace",
}
_TAGS = {"diff": "diff", "diagnostics": ""}


def fence_for(texts: Iterable[str]) -> str:
    """Return a code fence longer than any in the texts, three backquotes at least."""
    longest = max((len(run) for text in texts for run in _FENCE.findall(text)), default=0)
    return "`" * max(3, longest + 1)


def take_apart(text: str, controls: re.Pattern[str]) -> str:
    """Put a space after the first character of every control string, also of those inside another one."""
    found = 1
    while found:
        text, found = controls.subn(lambda match: f"{match[0][0]} {match[0][1:]}", text)
    return text


def quiet(text: str) -> str:
    """Take the control strings of chat formats apart."""
    return take_apart(text, _CHAT)


def block(item: ContextItem) -> str:
    """Quote an item under its place, in a fence of its own.

    Each fence is made for its own text, so that another item does not change how this one is quoted.
    """
    text = quiet(item.text)
    fence = fence_for([text])
    title = heading(label_of(item))
    tag = _TAGS.get(item.kind, extension(item.path))
    end = "" if text.endswith("\n") else "\n"
    return f"{title}\n{fence}{tag}\n{text}{end}{fence}\n\n"


def label_of(item: ContextItem) -> str:
    """Return what an item is called in a prompt: its place, and what it is if that is no excerpt of a file."""
    what = _WHAT.get(item.kind, "")
    return f"{item.place} ({what})" if what else item.place


def one_line(text: str) -> str:
    """Make a name fit one line."""
    return " ".join(text.split())


def heading(name: str) -> str:
    """Make a name stand above a fence: on one line, with nothing in it that opens a fence or speaks a control string.

    A file may be called anything: line feeds become blanks, backquotes apostrophes, one that begins like Markdown gets
    "./" before it, and one of blanks is "untitled".
    """
    line = quiet(one_line(name)).replace("`", "'") or "untitled"
    return line if line[0].isalnum() or line[0] in "._/" else f"./{line}"


def extension(path: str) -> str:
    """Return what follows the last dot of a path's name, lower case, if it can name a language."""
    name = path.rsplit("/", 1)[-1]
    found = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    return found if found.isalnum() and len(found) <= _LONGEST_EXTENSION else ""


def commented(text: str, path: str) -> str:
    """Make every line a comment of the language that `path` is in; "#" where the language is not known."""
    kind = f" {extension(path)} "
    for opening, closing, kinds in _BLOCKS:
        if kind in kinds:
            inside = text.rstrip("\n")
            for end in (closing, opening):
                inside = inside.replace(end, f"{end[0]} {end[1:]}")
            return f"{opening}\n{inside}\n{closing}\n"
    mark = next((mark for mark, kinds in _MARKS if kind in kinds), "#")
    rows = text.rstrip("\n").splitlines() or [""]  # at whatever a language may take for a line's end
    return "".join(f"{mark} {row}".rstrip() + "\n" for row in rows)
