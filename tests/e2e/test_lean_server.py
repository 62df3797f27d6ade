"""What is not needed is not loaded: no table's library or grammar for an answer, and next to nothing for a start."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from pathlib import Path
from kibitz.indexer.embed.static import load_static
from kibitz.indexer.live import LiveParser
from kibitz.indexer.search import Searcher

if __name__ == "__main__":
    root, cache = Path(sys.argv[1]), Path(sys.argv[2])
    embedder = load_static()
    searcher = Searcher.open(root, cache_dir=cache, embedder=embedder)
    assert searcher.search("before_saving")[0].chunk.path == "a.py"
    parser = LiveParser(root, embedder, 1_000_000)
    searcher.put_ahead(parser.see({"a.py": "def while_typing():\\n    return 2\\n"}))
    parser.close()
    (hit,) = searcher.search("while_typing")
    assert hit.chunk.symbol == "while_typing" and not hit.stale
    assert not any(hit.chunk.symbol == "before_saving" for hit in searcher.search("before_saving"))
    heavy = {"lancedb", "pyarrow", "tree_sitter", "tree_sitter_python", "lsprotocol"} & sys.modules.keys()
    assert not heavy, heavy
"""


def test_answering_and_looking_ahead_load_neither_the_table_nor_a_grammar(tmp_path: Path) -> None:
    root, cache = tmp_path / "work", tmp_path / "cache"
    root.mkdir()
    (root / "a.py").write_text("def before_saving():\n    return 1\n", "utf-8")
    index = [sys.executable, "-m", "kibitz.server", "index", str(root)]
    subprocess.run(
        index, env={"KIBITZ_CACHE_DIR": str(cache), "PATH": "/usr/bin:/bin"}, check=True, capture_output=True
    )
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, "utf-8")
    subprocess.run([sys.executable, str(script), str(root), str(cache)], check=True)


START = """
import asyncio, sys
from kibitz.server.cli.serve import make_app
from kibitz.server.lsp.server import build_server, run_session

class Answers:
    def write(self, data):
        assert b'"capabilities"' in data
        heavy = {"openai", "rich", "watchfiles", "numpy", "tiktoken", "importlib.metadata"} & sys.modules.keys()
        ours = {"kibitz.server.completion.filters", "kibitz.server.models", "kibitz.indexer.secrets"}
        heavy |= ours & sys.modules.keys()
        print("answered", *heavy)

    def close(self):
        pass

async def chunks():
    body = b'{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"processId": null, "capabilities": {}}}'
    yield b"Content-Length: %d\\r\\n\\r\\n" % len(body) + body

asyncio.run(run_session(build_server(make_app), chunks(), Answers(), watch_parent=False))
"""


def test_initialize_is_answered_before_anything_else_is_loaded() -> None:
    ran = subprocess.run([sys.executable, "-c", START], check=True, capture_output=True, text=True)
    assert ran.stdout.split() == ["answered"]
