"""The rooms of the source: who may import whom, and who may read and write which tables."""
