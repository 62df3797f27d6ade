"""Edits: formats, locating, and the gate every edit passes before a file is touched."""
