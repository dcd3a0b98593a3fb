"""What one tenant does to a service, while another one that asks for little is watched.

Each module has a function `abuse` that goes on until it is told to stop, and tells how it was answered.
"""
