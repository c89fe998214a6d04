"""A simulation of large installations: `make scale`. docs/scaling.md says what it is worth."""
