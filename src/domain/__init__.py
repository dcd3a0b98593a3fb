"""What happens at a casino, in the domain's words. Pure: no I/O, no clock, no framework."""
