"""The processes of the service: supervisor, workers, projector, and the store they begin with."""
