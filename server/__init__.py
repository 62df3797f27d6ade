"""Kibitz's server: what knows the editor, the command line and the models."""

__version__ = "0.1.0"  # asked of the installed package instead, it would cost each start 20 ms
