"""The console at `/console`: pages for people over the API, for whom no browser needs anything else.

It is a client of the API: it asks it in process, with the key that somebody logged in with, and knows nothing
of what lies behind it. So nobody sees more by a page than that key admits.
"""
