"""The log: every recorded item as one immutable event, in its aggregate's stream and its tenant's order."""
