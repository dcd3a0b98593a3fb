"""From the bytes of a batch to a commit, within budgets of memory and time; free of HTTP."""
