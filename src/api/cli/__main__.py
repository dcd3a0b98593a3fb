"""`python -m api.cli`, for the processes that the service starts itself."""

from api.cli import main

main()
