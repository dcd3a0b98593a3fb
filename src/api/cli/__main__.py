"""`python -m api.cli`, for the processes that the service starts itself."""

from api.cli import main
from api.process.shared_metrics import share_metrics

share_metrics()
main()
