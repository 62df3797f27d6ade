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
_KEY_FILE = re.compile(r"\s*(?:-----BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File-\d)")
_KEY_CHARS = 100  # of base64: the shortest key without its public half is an Ed25519 one of 64
_SHORT_KEY = re.compile(r"M[CF][0-9A-Za-z]CAQ")  # of elliptic curves: PKCS 8 in DER, below 128 bytes
_BETWEEN_LINES = re.compile(r"""\\[nr]|[\s"'`+,;\\]""")
_KEY_LABEL = re.compile(r"[A-Za-z-]+: [^\n]*\n")  # Proc-Type, DEK-Info, Version
_BASE64 = re.compile(r"[A-Za-z0-9+/]+")
_KEY_BODY = re.compile(r"""[\w+/=:,;\\\s"'`-]*""")  # with what stands between its lines
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


def holds_secret(text: str) -> bool:
    """Whether a private key, an access token or another credential of a fixed form stands in a text."""
    return _KEY_FILE.match(text) is not None or next(_secrets(text), None) is not None


def blotted(text: str) -> str:
    """Return a text of the same length in which "x" stands for every character of a secret that is no white space."""
    text = _PUTTY.sub(lambda found: _VISIBLE.sub("x", found[0]), text)
    while places := list(_secrets(text, looks=None)):
        pieces, at = [], 0
        for start, end in sorted(places):
            pieces += [text[at:start], _VISIBLE.sub("x", text[max(at, start) : end])]
            at = max(at, end)
        text = "".join([*pieces, text[at:]])
    return text


def _secrets(text: str, looks: int | None = _MOST_LOOKS) -> Iterator[tuple[int, int]]:
    """Yield where secrets stand, as start and end; the places may overlap. So many marks of a form are looked at."""
    if "PRIVATE KEY" in text:
        yield from _keys(text, looks)
    yield from (found.span() for found in _SIGNED.finditer(text) if _opens_doors(found[0]))
    yield from (found.span() for form in _FURTHER for found in form.finditer(text) if _is_drawn(found))
    for mark, detector in _MARKS.items():
        if mark.search(text):
            yield from _tokens(text, mark, detector, looks)


def _keys(text: str, looks: int | None) -> Iterator[tuple[int, int]]:
    """Yield private keys: a header that is followed by a key, in its own file or in a literal over several lines."""
    for header in islice(_KEY_HEADER.finditer(text), looks):
        if _is_key(text[header.end() : header.end() + 2_000]):
            footer = text.find("-----END", header.end())
            body = _KEY_BODY.match(text, header.end())
            yield header.start(), footer if footer >= 0 else body.end() if body else header.end()


def _is_key(body: str) -> bool:
    body = _BETWEEN_LINES.sub("", _KEY_LABEL.sub("", body.replace("\\n", "\n").replace("\\r", "")))
    found = _BASE64.match(body)
    key = found[0] if found else ""
    enough = 60 if _SHORT_KEY.match(key) else _KEY_CHARS
    return len(key) >= enough and len(set(key)) > 20 and not _REPEATED.search(key)


def _tokens(text: str, mark: re.Pattern[str], detector: str, looks: int | None) -> Iterator[tuple[int, int]]:
    """Yield the tokens that a detector finds around the marks: in a mark's line, as far as that is near."""
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
