"""The write side: from a request's bytes to events in the log. Knows nothing of read models or HTTP."""
