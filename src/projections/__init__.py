"""The read side: folds the log into read models and answers queries from them. Knows nothing of HTTP."""
