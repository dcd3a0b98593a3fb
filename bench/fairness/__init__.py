"""What one tenant can do to a service, until it is told to stop, so that others can be watched."""
