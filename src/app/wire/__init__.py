"""From the bytes of a request to valid items: encoding, JSON, rules, and a list of all faults."""
