"""A soak that goes by time: everything of the Procfile, under Sentinels, for an hour or a night."""
