"""Evidence with its files, keys and databases: sealing a log, signing its state, anchoring it elsewhere."""
