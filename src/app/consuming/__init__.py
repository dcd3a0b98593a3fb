"""Intake from brokers: messages taken, recorded as a batch, and acknowledged when that is committed."""
