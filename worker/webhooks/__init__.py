"""Entries of the streams by HTTP: signed, tried again for a day, given up and replayed."""
