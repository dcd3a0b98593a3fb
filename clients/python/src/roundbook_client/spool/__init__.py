"""A queue on disk: what was put into it is there after any kill, until it is taken out for good."""
