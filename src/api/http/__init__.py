"""What every request goes through: protocol, keys, content types, problems, the log of requests."""
