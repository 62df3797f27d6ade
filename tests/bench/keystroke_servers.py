"""The servers that `keystroke` times: ours with its waits told, and the floor that any server stands on.

`python -m tests.bench.keystroke_servers ours` is `kibitz serve --stdio`, which besides writes a line to standard error
for each wait between a key and its question: when it began (`time.perf_counter`, one clock for all processes of a
machine) and how long it was meant to be.

`python -m tests.bench.keystroke_servers floor` is the least that can be called a completion server: pygls as it is,
which sends the last twenty lines before the cursor by `openai`'s client and answers with the first piece.
"""

import asyncio
import functools
import os
import sys
import time

WAIT = "wait"
LINES = 20
MODEL = "qwen2.5-coder"


def ours() -> None:
    """Serve as the command does."""
    from kibitz.server.cli import main
    from kibitz.server.completion import ghost

    async def sleep(seconds: float) -> None:
        sys.stderr.write(f"{WAIT} {time.perf_counter()} {seconds}\n")
        sys.stderr.flush()
        await asyncio.sleep(seconds)

    vars(ghost)["Ghost"] = functools.partial(ghost.Ghost, sleep=sleep)
    sys.argv[1:] = ["serve", "--stdio"]
    main()


def floor() -> None:
    """Serve the least."""
    import openai
    from lsprotocol import types as lsp
    from pygls.lsp.server import LanguageServer

    server = LanguageServer("floor", "0")
    client = openai.AsyncOpenAI(api_key="none", base_url=os.environ["OPENAI_BASE_URL"], max_retries=0)

    @server.feature(lsp.TEXT_DOCUMENT_INLINE_COMPLETION)
    async def complete(params: lsp.InlineCompletionParams) -> lsp.InlineCompletionList:
        document = server.workspace.get_text_document(params.text_document.uri)
        at = params.position
        before = [*document.lines[max(0, at.line - LINES) : at.line], document.lines[at.line][: at.character]]
        stream = await client.completions.create(model=MODEL, prompt="".join(before), max_tokens=64, stream=True)
        async with stream:
            async for chunk in stream:
                return lsp.InlineCompletionList([lsp.InlineCompletionItem(insert_text=chunk.choices[0].text)])
        return lsp.InlineCompletionList([])

    server.start_io()


if __name__ == "__main__":
    {"ours": ours, "floor": floor}[sys.argv[1]]()
