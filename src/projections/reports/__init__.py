"""Reports: what auditors and analysts ask for everywhere, each from the read models at one position of the log."""
