"""Rate limits: what is allowed, the buckets that all processes share, and who takes from them."""
