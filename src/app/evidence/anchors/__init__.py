"""Anchors: places outside the database, best outside the operator, that keep what a log said of itself."""
