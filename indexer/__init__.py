"""Kibitz's indexer: what knows files, chunks and vectors. It imports neither the server nor the prompts."""
