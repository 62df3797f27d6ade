"""The workspace of the end-to-end tests, for real editors."""

from tests.e2e.conftest import shop

__all__ = ["shop"]
