"""What a server wraps round messages: the tokens that belong to no message's text."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from kibitz.prompts.tree import ToolCall, ToolDefinition

Count = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """The tokens of a chat format besides the contents.

    `start` stands once before everything, `message_tokens` round each message, `reply_tokens` open the answer;
    a role's name takes `role_tokens[role]`, one token where it is not listed. A participant's name takes `name_tokens`
    and itself, a tool call `call_tokens` besides its name, id and arguments, a tool's definition `definition_tokens`
    besides its JSON, once `tools_tokens` where there are any. An image takes `image_base` and, looked at closely,
    `image_tile` for each tile of 512 pixels.
    """

    name: str
    message_tokens: int
    reply_tokens: int
    start: int = 0
    role_tokens: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    name_tokens: int = 1
    call_tokens: int = 8
    definition_tokens: int = 16
    tools_tokens: int = 32
    image_base: int = 85
    image_tile: int = 170

    def around(self, role: str) -> int:
        """Tokens of one message besides its content."""
        return self.message_tokens + self.role_tokens.get(role, 1)

    def around_message(
        self, role: str, count: Count, *, name: str = "", calls: Sequence[ToolCall] = (), call_id: str = ""
    ) -> int:
        """Tokens of one message besides its content, with its name, its calls and the call that it answers."""
        tokens = self.around(role)
        if name:
            tokens += self.name_tokens + count(name)
        for call in calls:
            tokens += self.call_tokens + count(call.id) + count(call.name) + count(call.arguments)
        return tokens + (count(call_id) + 1 if call_id else 0)

    def tool_tokens(self, definitions: Sequence[ToolDefinition], count: Count) -> int:
        """Tokens of tool definitions: their JSON, and a form round it that no provider publishes."""
        if not definitions:
            return 0
        texts = (
            json.dumps({"name": each.name, "description": each.description, "parameters": dict(each.parameters)})
            for each in definitions
        )
        return self.tools_tokens + sum(self.definition_tokens + count(text) for text in texts)

    def image_tokens(self, width: int, height: int, detail: str) -> int:
        """Tokens of an image, as OpenAI documents it for GPT-4o: tiles of 512 pixels.

        The image is first brought into a square of 2,048, then its shorter side to 768.
        """
        if detail == "low":
            return self.image_base
        scale = min(1.0, 2048 / max(width, height))
        scale *= min(1.0, 768 / (min(width, height) * scale))
        tiles = math.ceil(width * scale / 512) * math.ceil(height * scale / 512)
        return self.image_base + self.image_tile * max(1, tiles)


# The formats below are never too small for a conversation that begins with a system message: what the format leaves to
# the turn (a line end that melts into the content, an opening that only some answers have) is counted always. What a
# model puts in place of a missing system message (Qwen 2.5: 20 tokens, Mistral Small: hundreds) is not in them.

OPENAI = ChatTemplate("openai", message_tokens=3, reply_tokens=3)
"""OpenAI's chat models: three tokens and the role round a message, three to open the answer (its cookbook)."""

HARMONY = ChatTemplate("harmony", message_tokens=5, reply_tokens=2, start=70)
"""gpt-oss: `<|start|>role<|message|>...<|end|>`; a dated system message of its own stands first, the
caller's follows as `developer` under the heading "# Instructions", and earlier answers name their channel."""

CHATML = ChatTemplate("chatml", message_tokens=4, reply_tokens=3)
"""`<|im_start|>role\\n...<|im_end|>\\n`, then `<|im_start|>assistant\\n`: Qwen 2.5, SmolLM and many more."""

THINKING_CHATML = ChatTemplate("chatml with thoughts", message_tokens=4, reply_tokens=7)
"""ChatML with an empty `<think>\\n\\n</think>\\n\\n` before an answer without thoughts: Qwen 3."""

LLAMA3 = ChatTemplate("llama3", message_tokens=4, reply_tokens=4, start=24)
"""`<|start_header_id|>role<|end_header_id|>\\n\\n...<|eot_id|>`; since 3.1 two dates stand in the system message."""

MISTRAL = ChatTemplate("mistral", message_tokens=3, reply_tokens=0, start=1)
"""`[INST] ...[/INST]`, ` ...</s>`; the system message stands in the user's or in marks of its own."""

GEMMA = ChatTemplate("gemma", message_tokens=4, reply_tokens=3, start=1)
"""`<start_of_turn>role\\n...<end_of_turn>\\n`; the system message is put before the first one of the user."""

DEEPSEEK = ChatTemplate("deepseek", message_tokens=1, reply_tokens=3, start=1)
"""A mark before what a user says, one before and one after an answer: version 3, and R1, which opens its answer with
`<think>\\n`. The system message stands bare."""

GRANITE = ChatTemplate("granite", message_tokens=4, reply_tokens=3, start=1)
"""`<|start_of_role|>role<|end_of_role|>...<|end_of_text|>\\n`: version 3 and later."""

PHI = ChatTemplate("phi", message_tokens=4, reply_tokens=3, start=1)
"""`<|user|>\\n...<|end|>\\n` (version 3) and `<|im_start|>user<|im_sep|>...<|im_end|>` (4), which has no line ends."""

GENEROUS = ChatTemplate("generous", message_tokens=8, reply_tokens=8, start=32)
"""For a model whose format is not known: at least what ChatML, Llama 3 (with its dated preamble), Mistral and
Granite take."""
