"""What is recorded, sent on: the log is the outbox, and each subscription a position in it."""
