"""Keys, tokens and credentials in a text: only those whose form gives them away.

The forms are detect-secrets' own. A guess by entropy or by a variable's name would throw out tests and examples, so
neither is made, and a token that was plainly made up for a manual does not count.
"""

import base64
import binascii
import json
import re
import time
from collections.abc import Iterable, Iterator
from functools import cache

_WINDOW_CHARS = 400  # of a line around a mark: a token and what stands before it fits
_SIGNED = "eyJ"  # the beginning of a JSON object in base64
_SIGNED_CHARS = 4_000  # a signed token may be long

# A literal that every token of a form holds, and the detectors that then look at its line: the text is searched for
# these alone, at some 2 GB/s each, and the detectors are not even imported where there is none.
_MARKS = {
    "AKIA": "aws.AWSKeyDetector",
    "ASIA": "aws.AWSKeyDetector",
    "ghp_": "github_token.GitHubTokenDetector",
    "gho_": "github_token.GitHubTokenDetector",
    "ghu_": "github_token.GitHubTokenDetector",
    "ghs_": "github_token.GitHubTokenDetector",
    "ghr_": "github_token.GitHubTokenDetector",
    "glpat-": "gitlab_token.GitLabTokenDetector",
    "glptt-": "gitlab_token.GitLabTokenDetector",
    "xox": "slack.SlackDetector",
    "hooks.slack.com/": "slack.SlackDetector",
    "k_live_": "stripe.StripeDetector",
    "SG.": "sendgrid.SendGridDetector",
    "sq0csp-": "square_oauth.SquareOAuthDetector",
    "_authToken=": "npm.NpmDetector",
    "AccountKey=": "azure_storage_key.AzureStorageKeyDetector",
    "T3BlbkFJ": "openai.OpenAIDetector",
    "pypi-AgE": "pypi_token.PypiTokenDetector",
    ":AA": "telegram_token.TelegramBotTokenDetector",
}
# Forms that detect-secrets does not know yet, and signed tokens, of which it leaves the signature behind.
_FURTHER = {
    "github_pat_": re.compile(r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    "sk-ant-": re.compile(r"sk-ant-[a-z]+\d\d-[A-Za-z0-9_-]{80,}"),
    "AIza": re.compile(r"AIza[A-Za-z0-9_-]{35}"),
    _SIGNED: re.compile(r"eyJ[\w-]{10,}\.eyJ[\w-]{2,}\.[\w-]{20,}", re.ASCII),
}

_KEY_HEADER = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
_KEY_FILE = re.compile(r"\s*(?:-----BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File-\d)")
_KEY_CHARS = 100  # of base64: the shortest key without its public half is an Ed25519 one of 64
_SHORT_KEY = re.compile(r"M[CF][0-9A-Za-z]CAQ")  # of elliptic curves: PKCS 8 in DER, below 128 bytes
_BETWEEN_LINES = re.compile(r"""\\[nr]|[\s"'`+,;\\]""")
_KEY_LABEL = re.compile(r"[A-Za-z-]+: [^\n]*\n")  # Proc-Type, DEK-Info, Version
_BASE64 = re.compile(r"[A-Za-z0-9+/]+")

_IN_WORD = re.compile(r"[A-Za-z0-9+/]")
_REPEATED = re.compile(r"(.)\1{5}|(.{2,5}?)\2{4}")
_MADE_UP = re.compile(
    r"example|sample|fake|dummy|placeholder|changeme|redacted|foobar|abcdef|123456|your|test|x{4}|\*{3}|\.{3}"
    r"|\$\{|<[a-z]",
    re.IGNORECASE,
)
# The storage emulator's account, published by its maker: the same on every machine.
_PUBLISHED = ("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq",)
_FEW_CHARACTERS = 8  # different ones: a drawn token of 16 has fewer about once in a thousand


def holds_secret(text: str) -> bool:
    """Whether a private key, an access token or another credential of a fixed form stands in a text."""
    if "PRIVATE KEY" in text and _holds_key(text):
        return True
    if _KEY_FILE.match(text):
        return True
    return any(mark in text and _holds_token(text, mark) for mark in (*_MARKS, *_FURTHER))


def _holds_key(text: str) -> bool:
    """Whether a private key's header is followed by a key, in its own file or in a literal over several lines."""
    return any(_is_key(text[header.end() : header.end() + 2_000]) for header in _KEY_HEADER.finditer(text))


def _is_key(body: str) -> bool:
    body = _BETWEEN_LINES.sub("", _KEY_LABEL.sub("", body.replace("\\n", "\n").replace("\\r", "")))
    found = _BASE64.match(body)
    key = found[0] if found else ""
    enough = 60 if _SHORT_KEY.match(key) else _KEY_CHARS
    return len(key) >= enough and len(set(key)) > 20 and not _REPEATED.search(key)


def _holds_token(text: str, mark: str) -> bool:
    width = _SIGNED_CHARS if mark == _SIGNED else _WINDOW_CHARS
    patterns = (_FURTHER[mark],) if mark in _FURTHER else _detector(_MARKS[mark])
    return any(_is_credential(line, mark, patterns) for line in _around(text, mark, width))


def _around(text: str, mark: str, width: int) -> Iterator[str]:
    """The lines that hold a mark, as far as they are near it, each once."""
    at = text.find(mark)
    while at >= 0:
        begin = max(text.rfind("\n", 0, at) + 1, at - width)
        end = text.find("\n", at)
        end = min(len(text) if end < 0 else end, at + width)
        yield text[begin:end]
        at = text.find(mark, end)


def _is_credential(line: str, mark: str, patterns: Iterable[re.Pattern[str]]) -> bool:
    for pattern in patterns:
        for found in pattern.finditer(line):
            token = found[0]
            if mark not in token or (found.start() and _IN_WORD.match(line[found.start() - 1])):
                continue
            if _opens_doors(token) if mark == _SIGNED else not _is_made_up(token, mark):
                return True
    return False


def _is_made_up(token: str, mark: str) -> bool:
    """Whether a token of the right form is one from a manual: drawn ones have neither words nor runs in them."""
    drawn = token.replace(mark, "", 1)
    if any(known in token for known in _PUBLISHED):
        return True
    return len(set(drawn)) < _FEW_CHARACTERS or bool(_MADE_UP.search(drawn) or _REPEATED.search(drawn))


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
