"""Events of the streams on their way to somebody's server: kept, tried again, put aside, replayed."""
