"""Kibitz's prompts: p(X, n) = s, a prompt is a function of inputs and a token budget. Usable on its own."""
