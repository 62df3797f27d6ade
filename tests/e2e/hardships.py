"""What an editor, or something that only seems one, may do to a server; each act checks itself and counts.

The end-to-end tests run a little of each, tests/bench/robust.py runs all of it.
"""

import copy
import json
import random
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.e2e.lsp_client import WAIT_S, ErrorAnswer, LspClient, Message
from tests.e2e.test_lsp_documents import PIECES, edit, exact
from tests.fakes.bad_endpoint import FAULTS, BadEndpoint

VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    1,
    2**70,
    1.5,
    "",
    "x",
    "😀",
    "\ud800",
    [],
    {},
    [[]],
    {"jsonrpc": "2.0", "id": 1},
]
CANCELLED = -32800
INTERNAL = -32603


def ordinary(uri: str) -> list[tuple[str, Any]]:
    """A message of every kind that an editor sends in the middle of a session."""
    document, start, end = {"uri": uri}, {"line": 0, "character": 0}, {"line": 1, "character": 0}
    span = {"start": start, "end": end}
    cursor = {"textDocument": document, "position": {"line": 0, "character": 3}}
    item = {"uri": uri, "languageId": "python", "version": 1, "text": "one\n😀two\n"}
    book = {"uri": f"{uri}.ipynb", "notebookType": "x", "version": 1, "cells": [{"kind": 2, "document": f"{uri}#1"}]}
    return [
        ("textDocument/inlineCompletion", {**cursor, "context": {"triggerKind": 2}}),
        ("textDocument/completion", cursor),
        ("textDocument/codeAction", {"textDocument": document, "range": span, "context": {"diagnostics": []}}),
        ("kibitz/chat", {"question": "Where?", "attachments": [{"textDocument": document, "range": span}]}),
        ("kibitz/edit", {"textDocument": document, "range": span, "instruction": "Go.", "apply": False}),
        ("kibitz/search", {"query": "money", "k": 3, "filters": {"globs": ["*.py"]}}),
        ("kibitz/prompt", {"kind": "ask", "question": "Where?", "history": [{"role": "user", "content": "Hi"}]}),
        ("kibitz/status", {}),
        ("workspace/executeCommand", {"command": "kibitz.search", "arguments": ["money"]}),
        ("textDocument/didOpen", {"textDocument": item}),
        (
            "textDocument/didChange",
            {"textDocument": {**document, "version": 2}, "contentChanges": [{"range": span, "text": "x\f\n"}]},
        ),
        ("textDocument/didSave", {"textDocument": document}),
        ("textDocument/didClose", {"textDocument": document}),
        ("notebookDocument/didOpen", {"notebookDocument": book, "cellTextDocuments": [{**item, "uri": f"{uri}#1"}]}),
        ("workspace/didRenameFiles", {"files": [{"oldUri": uri, "newUri": f"{uri}2"}]}),
        ("workspace/didChangeConfiguration", {"settings": {}}),
        ("window/workDoneProgress/cancel", {"token": "none"}),
        ("$/cancelRequest", {"id": "none"}),
    ]


def settle(client: LspClient, asked: Iterable[str]) -> dict[str, Message]:
    """Wait until each of these is answered, then for one more answer; there must be exactly one of each."""
    wanted, deadline, looked = set(asked), time.monotonic() + WAIT_S, 0
    counts: Counter[str] = Counter()
    got: dict[str, Message] = {}
    barrier = False
    while not barrier:
        if wanted <= got.keys():
            client.call("kibitz/status")  # whatever comes twice has come by now
            barrier = True
        for message in client.received[looked:]:
            looked += 1
            msg_id = message.get("id")
            if "method" not in message and isinstance(msg_id, str) and msg_id in wanted:
                counts[msg_id] += 1
                got[msg_id] = message
        assert time.monotonic() < deadline, f"{len(wanted - got.keys())} have no answer: {client.stderr[-500:]}"
        time.sleep(0.005)
    twice = [msg_id for msg_id, count in counts.items() if count != 1]
    assert not twice, twice
    return got


def codes(answers: Iterable[Message]) -> Counter[str]:
    """How often each code came; "answered" for results. A bug of ours is none that may come."""
    counted = Counter(str(answer["error"]["code"]) if "error" in answer else "answered" for answer in answers)
    assert str(INTERNAL) not in counted, [a for a in answers if a.get("error", {}).get("code") == INTERNAL]
    return counted


def mutant(message: Message, chance: random.Random) -> bytes:
    """The message with something changed: values, names, or the bytes of its body. Its id stays."""
    changed: Message = copy.deepcopy(message)
    for _ in range(chance.choice([1, 1, 2, 4])):
        _change(changed, chance)
    body = json.dumps(changed).encode()
    if chance.random() < 0.3:
        raw = bytearray(body)
        for _ in range(chance.choice([1, 2, 8])):
            place = chance.randrange(len(raw))
            raw[place : place + chance.choice([0, 1, 3])] = chance.randbytes(chance.choice([0, 1, 2]))
        body = bytes(raw) or b" "
    return body


def _change(message: Message, chance: random.Random) -> None:
    """Change one place below the params, or the params themselves."""
    holder: Any = message
    key: Any = "params"
    while isinstance(holder[key], dict | list) and holder[key] and chance.random() < 0.8:
        holder = holder[key]
        key = chance.choice(list(holder)) if isinstance(holder, dict) else chance.randrange(len(holder))
    what = chance.random()
    if what < 0.5:
        holder[key] = copy.deepcopy(chance.choice(VALUES))
    elif what < 0.7 and holder is not message:
        del holder[key]
    elif what < 0.8 and isinstance(holder, dict) and holder is not message:
        holder[chance.choice(["uri", "range", "x", "", "id"])] = holder.pop(key)
    else:
        holder[key] = [holder[key]] * chance.choice([1, 2, 50])


def mutated_messages(client: LspClient, uri: str, count: int, seed: int = 0) -> Counter[str]:
    """Send messages that are nearly right; every request among them is answered once."""
    chance = random.Random(seed)
    counted: Counter[str] = Counter()
    for first in range(0, count, 200):
        asked = []
        for number in range(first, min(first + 200, count)):
            method, params = chance.choice(ordinary(uri))
            message = {"jsonrpc": "2.0", "method": method, "params": params}
            is_request = "/did" not in method and "ancel" not in method
            if is_request:
                message["id"] = f"mutant {seed} {number}"
            body = mutant(message, chance)
            kind = kind_of(body, str(message.get("id")))
            counted[kind] += 1
            if kind == "requests":
                asked.append(str(message["id"]))
            client.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        counted += codes(settle(client, asked).values())
    return counted


def kind_of(body: bytes, msg_id: str) -> str:
    """What a body is to a server that goes by the book."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return "no JSON"
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or not isinstance(message.get("method"), str):
        return "no message"
    if message.get("id") == msg_id:
        return "requests"
    return "notifications" if message.get("id") is None else "other ids"


def edited_documents(client: LspClient, root: Path, count: int, edits: int, seed: int = 0) -> Counter[str]:
    """Edit many documents by turns; each is what a plain string is that had the same edits."""
    chance = random.Random(seed)
    before = client.call("kibitz/status")["open_documents"]
    texts = {}
    for number in range(count):
        uri = (root / f"notes {number}.txt").as_uri()
        texts[uri] = "".join(chance.choices(PIECES, k=30))
        client.open(uri, texts[uri], language="plaintext")
    versions = dict.fromkeys(texts, 1)
    for uri in chance.choices(list(texts), k=count * edits):
        texts[uri], change = edit(chance, texts[uri], "utf-16")
        versions[uri] += 1
        document = {"uri": uri, "version": versions[uri]}
        client.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
    assert client.call("kibitz/status")["open_documents"] == before + count
    for uri, text in texts.items():
        assert exact(client, uri) == text.removesuffix("\n"), uri
    for uri in texts:
        client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert client.call("kibitz/status")["open_documents"] == before
    return Counter({"documents": count, "edits": count * edits})


def cancelled_requests(client: LspClient, uri: str, count: int, seed: int = 0) -> Counter[str]:
    """Send requests and take some back, at once or a moment later, twice, or after their answer."""
    chance = random.Random(seed)
    client.open(uri, "one\n😀two\n")
    every = [pair for pair in ordinary(uri) if "/did" not in pair[0] and "ancel" not in pair[0]]
    asked: list[str] = []
    cancels = 0
    for number in range(count):
        method, params = chance.choice(every)
        asked.append(f"request {seed} {number}")
        client.send({"jsonrpc": "2.0", "id": asked[-1], "method": method, "params": params})
        if chance.random() < 0.5:
            cancels += 1
            client.notify("$/cancelRequest", {"id": chance.choice(asked[-10:])})
        if chance.random() < 0.1:
            time.sleep(0.01)
    return Counter({"requests": count, "cancels": cancels}) + codes(settle(client, asked).values())


def bad_endpoint(client: LspClient, uri: str, endpoint: BadEndpoint, each: int) -> dict[str, Counter[str]]:
    """Ask a model that fails in every way; what it leaves unanswered is cancelled. Then it is well again."""
    client.open(uri, "one\n😀two\n")
    pairs = [
        pair for pair in ordinary(uri) if pair[0] in ("textDocument/inlineCompletion", "kibitz/chat", "kibitz/edit")
    ]
    counted = {}
    for fault in FAULTS:
        endpoint.fault = fault
        before = endpoint.asked
        asked = [f"{fault} {number}" for number in range(each)]
        for number, msg_id in enumerate(asked):
            method, params = pairs[number % len(pairs)]
            client.send({"jsonrpc": "2.0", "id": msg_id, "method": method, "params": params})
        if "stalls" in fault:
            while endpoint.asked == before:
                time.sleep(0.01)
            time.sleep(0.2)
            for msg_id in asked:
                client.notify("$/cancelRequest", {"id": msg_id})
        counted[fault] = codes(settle(client, asked).values())
        left = endpoint.wait_until_left()
        assert left == 0, f"{left} connections after {fault}"
        make_well(client, endpoint)
    return counted


def make_well(client: LspClient, endpoint: BadEndpoint) -> None:
    """Let the endpoint answer, and ask until the server asks it again: what fails often is left alone for seconds."""
    endpoint.fault = ""
    for _ in range(60):
        try:
            assert client.call("kibitz/chat", {"question": "And now?"})["text"] == "é😀done"
            return
        except ErrorAnswer as error:
            assert "is left alone for another" in str(error)
            time.sleep(0.5)
    raise AssertionError("the endpoint is well, and is not asked again")
