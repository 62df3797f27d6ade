"""Chat: questions answered from retrieved context, with citations."""
