"""Erasing what the log holds of a player, and what stays."""
