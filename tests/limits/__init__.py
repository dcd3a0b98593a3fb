"""Rate limits: buckets that all processes share, and leases."""
