"""Prompt templates: functions from values to trees of scopes."""
