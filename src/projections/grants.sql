-- What the role that serves may do with the read models: all but to change their tables.
grant insert, update, delete on tracking, balances, balance_periods, rounds, activity, transactions, players, games
    to {service};
