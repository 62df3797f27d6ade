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


OPENAI = ChatTemplate("openai", message_tokens=3, reply_tokens=3)
"""OpenAI's chat models: three tokens and the role round a message, three to open the answer (its cookbook)."""

CHATML = ChatTemplate("chatml", message_tokens=4, reply_tokens=3)
"""`<|im_start|>role\\n...<|im_end|>\\n`, then `<|im_start|>assistant\\n`: Qwen, SmolLM and many more."""

GENEROUS = ChatTemplate("generous", message_tokens=8, reply_tokens=8, start=32)
"""For a model whose format is not known: at least what ChatML, Llama 3 (with its dated preamble), Mistral and
Granite take."""
