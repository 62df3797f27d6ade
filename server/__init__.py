"""Kibitz's server: what knows the editor, the command line and the models."""
