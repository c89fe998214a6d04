"""Replies by e-mail, and answers from e-mail."""
