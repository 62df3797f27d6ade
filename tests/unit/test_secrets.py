"""Which texts hold a key or a token. The tokens are drawn here, so that no scanner takes this file for a leak."""

import base64
import json
import random
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.secrets import blotted, holds_secret

_ALPHABET = string.ascii_letters + string.digits


def drawn(count: int, alphabet: str = _ALPHABET, seed: int = 7) -> str:
    return "".join(random.Random(seed).choices(alphabet, k=count))


def pem(kind: str, key: str, end: str = "\n", quote: str = "") -> str:
    lines = [f"-----BEGIN {kind}PRIVATE KEY-----", *(key[at : at + 64] for at in range(0, len(key), 64))]
    return "".join(quote + line + end for line in [*lines, f"-----END {kind}PRIVATE KEY-----"])


def signed_token(claims: dict[str, object]) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, claims)
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*coded, drawn(43)])


KEY = "MIIEpAIBAAKCAQEA" + drawn(600)
SHORT_KEY = "MC4CAQAwBQYDK2VwBCIEI" + drawn(43)

SECRETS = {
    "aws": "AKIA" + drawn(16, string.ascii_uppercase + string.digits),
    "github": "ghp_" + drawn(36),
    "github, fine-grained": f"github_pat_{drawn(22)}_{drawn(59)}",
    "gitlab": "glpat-" + drawn(20),
    "slack": f"xoxb-{drawn(12, '9283746510')}-{drawn(24)}",
    "slack hook": f"https://hooks.slack.com/services/T{drawn(8)}/B{drawn(8)}/{drawn(24)}",
    "stripe": "sk_live_" + drawn(24),
    "sendgrid": f"SG.{drawn(22)}.{drawn(43)}",
    "npm": f"//registry.npmjs.org/:_authToken=npm_{drawn(36)}",
    "azure": f"AccountKey={drawn(86)}==",
    "openai": f"sk-proj-{drawn(20)}T3BlbkFJ{drawn(20, seed=3)}",
    "anthropic": "sk-ant-api03-" + drawn(95),
    "google": "AIza" + drawn(35),
    "pypi": "pypi-AgEIcHlwaS5vcmc" + drawn(90),
    "telegram": f"{drawn(9, '8273645091')}:AA{drawn(33)}",
    "jwt": signed_token({"sub": "u-83", "exp": time.time() + 1e6}),
    "key": pem("RSA ", KEY),
    "key in a literal": pem("RSA ", KEY, "\\n"),
    "key in literals": pem("", KEY, '\\n" +\n', '"'),
    "short key": f"const key = `{pem('', SHORT_KEY)}`",
    "locked key": pem("RSA ", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n").replace(
        "-----END", drawn(300) + "\n-----END"
    ),
    "key file": "PuTTY-User-Key-File-3: ssh-ed25519\n",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_a_text_that_holds_a_secret_is_known(kind: str) -> None:
    assert holds_secret(SECRETS[kind])


@pytest.mark.parametrize(
    "text",
    [
        "aws_access_key_id = AKIAIOSFODNN7EXAMPLE",
        "AKIA0000000000000000",
        "token: ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789",
        "glpat-your-token-goes-here-now",
        "xoxb-1234567890-abcdef",
        "sk_live_" + "4" * 24,
        "SG.something.else",
        "//registry.npmjs.org/:_authToken=${NPM_TOKEN}",
        "if '-----BEGIN RSA PRIVATE KEY-----' in text:",
        "key = '''-----BEGIN PRIVATE KEY-----\nMIIEvQ...\n-----END PRIVATE KEY-----'''",
        f"-----BEGIN CERTIFICATE-----\n{KEY}\n-----END CERTIFICATE-----",
        "password = 'hunter2'",
        "postgres://user:password@localhost/db",
        f"ABCD{drawn(40, 'ABCDEF0123456789')}AKIA{drawn(40, 'ABCDEF0123456789')}",
        signed_token({"sub": "u-83", "exp": 1_500_000_000}),
        signed_token({"sub": "1234567890", "name": "John Doe", "iat": 1516239022}),
        "eyJhbGciOiJIUzI1NiJ9.broken.broken",
    ],
)
def test_what_only_looks_like_a_secret_keeps_no_file_out(text: str) -> None:
    assert not holds_secret(text)


@given(st.text(alphabet="ab \n.=", max_size=60), st.sampled_from(sorted(SECRETS)), st.text(alphabet=" \n;", max_size=9))
def test_a_secret_is_found_wherever_it_stands(before: str, kind: str, after: str) -> None:
    if kind == "key file":  # this form is a file of its own
        before = ""
    assert holds_secret(f"{before}\n{SECRETS[kind]}\n{after}")


@given(st.lists(st.sampled_from(["AKIA", "eyJ", "SG.", "xox", "-----BEGIN PRIVATE KEY-----", "a", "\n", " ", "="])))
def test_marks_alone_are_no_secret(pieces: list[str]) -> None:
    assert not holds_secret("x" + "".join(pieces))


@given(st.text(alphabet="ab \n.=", max_size=60), st.sampled_from(sorted(SECRETS)), st.text(alphabet=" \n;", max_size=9))
def test_a_secret_is_blotted_out_and_nothing_moves(before: str, kind: str, after: str) -> None:
    text = f"{before}\n{SECRETS[kind]}\n{after}" if kind != "key file" else PUTTY
    clean = blotted(text)
    assert not holds_secret(clean) or kind == "key file"
    assert len(clean) == len(text)
    assert all(new == old or (new == "x" and not old.isspace()) for new, old in zip(clean, text, strict=True))
    assert clean.startswith(before) or kind == "key file"
    for drawn_part in (KEY[16:48], KEY[-40:], SHORT_KEY[-40:], drawn(20), PUTTY_KEY[-40:]):
        assert drawn_part not in clean


def test_a_text_without_a_secret_is_left_as_it_is() -> None:
    text = "if '-----BEGIN RSA PRIVATE KEY-----' in text:\n    token = 'ghp_xxxx'\n"
    assert blotted(text) == text
    assert blotted("") == ""


PUTTY_KEY = drawn(64, seed=5)
PUTTY = (
    "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: mine\nPublic-Lines: 1\nAAAA\n"
    f"Private-Lines: 2\n{PUTTY_KEY}\n{PUTTY_KEY[:9]}=\nPrivate-MAC: {drawn(64, '0123456789abcdef')}\n"
)


def test_a_key_file_is_blotted_out_in_the_middle_of_a_text() -> None:
    clean = blotted(f"# notes\n{PUTTY}\nplain text\n")
    assert clean.startswith("# notes\nxxx")
    assert clean.endswith("\n\nplain text\n")
    assert PUTTY_KEY not in clean


def test_two_tokens_in_a_line_both_go() -> None:
    text = f"a = {SECRETS['github']}; b = {SECRETS['aws']}\n"
    assert blotted(text) == f"a = {'x' * 40}; b = {'x' * 20}\n"


def test_many_examples_hide_no_secret_from_blotting() -> None:
    text = "AKIAIOSFODNN7EXAMPLE\n" * 1_000 + SECRETS["aws"]
    assert blotted(text) == "AKIAIOSFODNN7EXAMPLE\n" * 1_000 + "x" * 20
