"""Ghost text: from a snapshot to a cleaned suggestion."""
