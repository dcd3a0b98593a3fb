"""Reports as they are answered: in JSON, as a table, and as a page for people."""
