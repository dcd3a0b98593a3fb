"""Exactly once, proven: real processes, real databases and real clients, and what breaks them.

Each test hurts the service while clients send the same batches again until they are acknowledged. Then three
things are compared: what was acknowledged, what is stored, and what the read models say.
"""
