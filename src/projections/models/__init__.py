"""The read models, each a module with its SQL beside it."""
