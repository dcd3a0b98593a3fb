"""What becomes of tenants and their keys after they were made: closed, taken away, removed; used, rotated."""
