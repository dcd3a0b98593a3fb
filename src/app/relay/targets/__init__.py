"""Targets: a module for each kind of what events are relayed to."""
