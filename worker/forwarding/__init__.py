"""Events of the streams on their way to somebody's server: kept, tried again, given up, replayed."""
