"""Entries of the streams by HTTP: signed, tried again for a day, put aside and replayed."""
