"""What queries have in common: parameters, pages, positions, streams."""
