"""A busy machine makes any example slow: no deadlines."""

from hypothesis import settings

settings.register_profile("roundbook-verify", deadline=None, print_blob=True)
settings.load_profile("roundbook-verify")
