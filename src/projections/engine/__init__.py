"""What keeps read models up to date, and makes them anew."""
