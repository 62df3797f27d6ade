"""A language server that says hello, writes a line to a file, and ends. usage: crashing_server.py FILE."""

import json
import sys
import time
from pathlib import Path

with Path(sys.argv[1]).open("a", encoding="utf-8") as log:
    log.write("started\n")
length = int(sys.stdin.buffer.readline().split(b":")[1])
sys.stdin.buffer.readline()
request = json.loads(sys.stdin.buffer.read(length))
reply = json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": {"capabilities": {}}}).encode()
sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%b" % (len(reply), reply))
sys.stdout.flush()
time.sleep(0.5)  # so that it has been running
