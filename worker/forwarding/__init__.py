"""Handing entries of the streams on: once each into a store of its own, with retries and dead letters."""
