"""Models: ports, the OpenAI-compatible client, endpoint detection, the embedded model."""
