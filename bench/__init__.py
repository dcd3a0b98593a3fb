"""How fast recording is, measured so that the figures can be trusted. See docs/performance.md."""
