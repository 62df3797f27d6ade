"""Keys, tokens and credentials in a text: only those whose form gives them away.

The forms are detect-secrets' own. A guess by entropy or by a variable's name would throw out tests and examples, so
neither is made, and a token that was plainly made up for a manual does not count.
"""

import base64
import binascii
import json
import re
import time
from collections.abc import Iterator
from functools import cache
from itertools import islice

_MOST_LOOKS = 300  # at the marks of one form in a text, which may be made to hold nothing else
_WINDOW_CHARS = 400  # of a line around a mark: a token and what stands before it fits

# What every token of a form begins with or holds, and the detector that then looks at its line. Each begins with two
# fixed characters at least, so that a text is searched at some 2 GB/s, and the detectors are not even imported where
# there is none.
_MARKS = {
    re.compile(mark): detector
    for mark, detector in {
        r"A[KS]IA[0-9A-Z]{16}": "aws.AWSKeyDetector",
        r"gh[pousr]_[0-9A-Za-z_]{36}": "github_token.GitHubTokenDetector",
        r"gl(?:pat|ptt)-": "gitlab_token.GitLabTokenDetector",
        r"xox[abposr]-\d": "slack.SlackDetector",
        r"hooks\.slack\.com/services/T": "slack.SlackDetector",
        r"k_live_": "stripe.StripeDetector",
        r"SG\.[\w-]{22}\.": "sendgrid.SendGridDetector",
        r"sq0csp-": "square_oauth.SquareOAuthDetector",
        r"_authToken=": "npm.NpmDetector",
        r"AccountKey=": "azure_storage_key.AzureStorageKeyDetector",
        r"T3BlbkFJ": "openai.OpenAIDetector",
        r"pypi-AgE": "pypi_token.PypiTokenDetector",
        r":AA[\w-]{33}": "telegram_token.TelegramBotTokenDetector",
    }.items()
}
# Forms that detect-secrets does not know yet.
_FURTHER = (
    re.compile(r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    re.compile(r"sk-ant-[a-z]{1,9}\d\d-[A-Za-z0-9_-]{80,}"),
    re.compile(r"AIza[A-Za-z0-9_-]{35}"),
)
# JSON in base64 begins so. The detector for these leaves the signature behind, which tells whether there is one.
_SIGNED = re.compile(r"eyJ[\w-]{10,400}\.eyJ[\w-]{2,4000}\.[\w-]{20,}", re.ASCII)

_KEY_HEADER = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
_KEY_FOOTER = re.compile(r"-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
_KEY_FILE = re.compile(r"\s*(?:-----BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File-\d)")
_KEY_CHARS = 100  # of base64: the shortest key without its public half is an Ed25519 one of 64
_SHORT_KEY = re.compile(r"M[CF][0-9A-Za-z]CAQ")  # of elliptic curves: PKCS 8 in DER, below 128 bytes
_BETWEEN_LINES = re.compile(r"""\\[nr]|[\s"'`+,;\\]""")
_KEY_LABEL = re.compile(r"[A-Za-z-]+: [^\n]*\n")  # Proc-Type, DEK-Info, Version
_BASE64 = re.compile(r"[A-Za-z0-9+/]+")
_KEY_LINE = re.compile(r"[A-Za-z0-9+/]{16,100}={0,2}")
_LAST_KEY_LINE = re.compile(r"[A-Za-z0-9+/]{1,100}={0,2}")
_PUTTY_KEY = re.compile(r"Private-Lines: \d+\r?\n((?:[A-Za-z0-9+/=]+(?:\r?\n|$))+)")
_MOST_KEY_CHARS = 20_000
_PUTTY = re.compile(r"^PuTTY-User-Key-File-\d(?:.*\n)(?:[A-Z][\w-]*:.*\n?|[\w+/=]+\n?)*", re.MULTILINE)
_VISIBLE = re.compile(r"\S")

_IN_WORD = re.compile(r"[A-Za-z0-9+/]")
_REPEATED = re.compile(r"(.)\1{5}|(.{2,5}?)\2{4}")
_MADE_UP = re.compile(
    r"example|sample|fake|dummy|placeholder|changeme|redacted|foobar|abcdef|123456|your|test|x{4}|\*{3}|\.{3}"
    r"|\$\{|<[a-z]",
    re.IGNORECASE,
)
# The storage emulator's account, published by its maker: the same on every machine.
_PUBLISHED = ("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq",)
_FEW_CHARACTERS = 10  # different ones: a drawn token of 20 has fewer about once in some thousands


Found = tuple[int, int]
"""Where a secret stands: characters of a text, the end not included."""


def holds_secret(text: str) -> bool:
    """Whether a private key, an access token or another credential of a fixed form stands in a text."""
    return bool(_KEY_FILE.match(text)) or any(True for _ in _secrets(text, _MOST_LOOKS))


def secret_spans(text: str) -> list[Found]:
    """Where the secrets of a text stand, in order and apart; everything that `holds_secret` goes by, without a limit.

    A text may be a part of a file: of a private key that has lost its beginning or its end, the rest is found.
    """
    apart: list[Found] = []
    for span in sorted([*_secrets(text, None), *_key_rests(text)]):
        if apart and span[0] < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(span[1], apart[-1][1]))
        else:
            apart.append(span)
    return apart


def blotted(text: str) -> str:
    """Return a text of the same length in which "x" stands for every character of a secret that is no white space."""
    text = _PUTTY.sub(lambda found: _VISIBLE.sub("x", found[0]), text)
    while spans := secret_spans(text):
        pieces, at = [], 0
        for start, end in spans:
            pieces += [text[at:start], _VISIBLE.sub("x", text[start:end])]
            at = end
        before, text = text, "".join([*pieces, text[at:]])
        if text == before:
            break
    return text


def _secrets(text: str, looks: int | None) -> Iterator[Found]:
    if "PRIVATE KEY" in text:
        yield from _keys(text, looks)
    yield from (found.span() for found in _SIGNED.finditer(text) if _opens_doors(found[0]))
    yield from (found.span() for form in _FURTHER for found in form.finditer(text) if _is_drawn(found))
    for mark, detector in _MARKS.items():
        if mark.search(text):
            yield from _tokens(text, mark, detector, looks)


def _keys(text: str, looks: int | None) -> Iterator[Found]:
    """Private keys behind their headers, each in its own file or in a literal over several lines."""
    for header in islice(_KEY_HEADER.finditer(text), looks):
        if _is_key(text[header.end() : header.end() + 2_000]):
            footer = _KEY_FOOTER.search(text, header.end(), header.end() + _MOST_KEY_CHARS)
            yield header.start(), footer.end() if footer else _end_of_lines(text, header.end())


def _is_key(body: str) -> bool:
    body = _BETWEEN_LINES.sub("", _KEY_LABEL.sub("", body.replace("\\n", "\n").replace("\\r", "")))
    found = _BASE64.match(body)
    key = found[0] if found else ""
    enough = 60 if _SHORT_KEY.match(key) else _KEY_CHARS
    return len(key) >= enough and len(set(key)) > 20 and not _REPEATED.search(key)


def _key_rests(text: str) -> Iterator[Found]:
    """Keys whose header is cut off, and those that PuTTY keeps."""
    for footer in _KEY_FOOTER.finditer(text) if "PRIVATE KEY" in text else ():
        start = _start_of_lines(text, footer.start())
        if _is_key(text[start : footer.start()]):
            yield start, footer.end()
    for found in _PUTTY_KEY.finditer(text) if "Private-Lines" in text else ():
        yield found.span(1)


def _end_of_lines(text: str, at: int) -> int:
    """Where the lines of a key end that has no footer."""
    for line in text[at : at + _MOST_KEY_CHARS].splitlines(keepends=True):
        bare = _bare(line)
        if not bare or _KEY_LINE.fullmatch(bare) or _KEY_LABEL.fullmatch(line):
            at += len(line)
            continue
        return at + len(line) if _LAST_KEY_LINE.fullmatch(bare) else at
    return at


def _start_of_lines(text: str, at: int) -> int:
    """Where the lines of a key begin that has no header; the footer begins at `at`."""
    lines = text[max(0, at - _MOST_KEY_CHARS) : at].splitlines(keepends=True)
    if lines and not lines[-1].endswith(("\n", "\r")):
        at -= len(lines.pop())  # what stands before the footer on its line: a quote, blanks
    form = _LAST_KEY_LINE
    for line in reversed(lines):
        if not form.fullmatch(_bare(line)):
            break
        at, form = at - len(line), _KEY_LINE
    return at


def _bare(line: str) -> str:
    """A line of a key without the quotes of a literal around it."""
    return line.replace("\\n", "").replace("\\r", "").strip(" \t\r\n\"'`+,;\\")


def _tokens(text: str, mark: re.Pattern[str], detector: str, looks: int | None) -> Iterator[Found]:
    """What a detector finds around the marks: in the line of each, as far as that is near."""
    for found in islice(mark.finditer(text), looks):
        begin = max(text.rfind("\n", 0, found.start()) + 1, found.start() - _WINDOW_CHARS)
        end = text.find("\n", found.end())
        line = text[begin : min(len(text) if end < 0 else end, found.end() + _WINDOW_CHARS)]
        for token in (token for pattern in _detector(detector) for token in pattern.finditer(line)):
            if mark.search(token[0]) and _is_drawn(token):
                yield begin + token.start(), begin + token.end()


def _is_drawn(found: re.Match[str]) -> bool:
    """Whether a token stands for itself, and is not one from a manual: drawn ones have no words and no runs."""
    token = found[0]
    if found.start() and _IN_WORD.match(found.string[found.start() - 1]):
        return False
    if any(known in token for known in _PUBLISHED) or len(set(token)) < _FEW_CHARACTERS:
        return False
    return not (_MADE_UP.search(token) or _REPEATED.search(token))


@cache
def _detector(name: str) -> tuple[re.Pattern[str], ...]:
    """A detector's patterns. Importing the first takes 0.2 s."""
    from importlib import import_module

    module, kind = name.split(".")
    return tuple(getattr(import_module(f"detect_secrets.plugins.{module}"), kind).denylist)


def _opens_doors(token: str) -> bool:
    """Whether a JSON Web Token (RFC 7519) is signed and has not expired by now, which those in manuals mostly have."""
    parts = token.split(".")
    if len(parts) != 3 or len(parts[2]) < 20:
        return False
    try:
        header, claims = (json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2])
    except (ValueError, binascii.Error):
        return False
    if not isinstance(header, dict) or not isinstance(claims, dict) or "alg" not in header:
        return False
    expires = claims.get("exp")
    return isinstance(expires, (int, float)) and expires > time.time()
