"""Signed webhooks: entries of the streams by HTTP."""
