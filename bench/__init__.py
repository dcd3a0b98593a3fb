"""How fast recording and the read models are, measured so that the figures can be trusted.

See docs/performance.md.
"""
