"""Brokers of messages: how they are named and reached, and what goes wrong with them."""
