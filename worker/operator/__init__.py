"""What a person decides: each decision one script, with its entry in the audit stream."""
