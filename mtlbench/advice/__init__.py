"""Which weighting to use on a user's own log, and how sure that is, found within a budget of time."""
