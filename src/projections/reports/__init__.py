"""Reports: what auditors and analysts ask for, from the read models, at one position of the log."""
