"""Packing a repository, or what of it matters to a question, into one prompt."""
