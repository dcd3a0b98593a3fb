"""The command line, as a user runs it: one process for each command."""
