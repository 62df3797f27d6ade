"""The protocol edge: pygls and lsprotocol live here and nowhere else."""
