"""How things are shown to people: harmless characters, words, JSON, CSV."""
