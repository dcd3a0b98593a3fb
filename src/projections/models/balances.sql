-- name: add_to_balances(tenant_id, generation, player_id, currency, deposited, withdrawn, bet_real, bet_bonus, win_real, win_bonus, deposited_eur, deposits, withdrawals, bets, wins)
-- Add what moved to each player's balance in each currency.
insert into balances as b
       (tenant_id, generation, player_id, currency, deposited, withdrawn, bet_real, bet_bonus,
        win_real, win_bonus, deposited_eur, deposits, withdrawals, bets, wins)
select :tenant_id, :generation, moved.*
  from unnest(:player_id::text[], :currency::text[], :deposited::numeric[], :withdrawn::numeric[],
              :bet_real::numeric[], :bet_bonus::numeric[], :win_real::numeric[],
              :win_bonus::numeric[], :deposited_eur::numeric[], :deposits::bigint[],
              :withdrawals::bigint[], :bets::bigint[], :wins::bigint[]) as moved
on conflict (tenant_id, generation, player_id, currency) do update set
    deposited = b.deposited + excluded.deposited,
    withdrawn = b.withdrawn + excluded.withdrawn,
    bet_real = b.bet_real + excluded.bet_real,
    bet_bonus = b.bet_bonus + excluded.bet_bonus,
    win_real = b.win_real + excluded.win_real,
    win_bonus = b.win_bonus + excluded.win_bonus,
    deposited_eur = b.deposited_eur + excluded.deposited_eur,
    deposits = b.deposits + excluded.deposits,
    withdrawals = b.withdrawals + excluded.withdrawals,
    bets = b.bets + excluded.bets,
    wins = b.wins + excluded.wins
returning 1;

-- name: find_balances(tenant_id, generation, player_id, currency, after_player, after_currency, limit)
-- `>=` follows from the comparison behind it, and is where a page begins in the index by currency.
select player_id, currency, bet_real, bet_bonus, win_real, win_bonus, bets, wins, deposited, withdrawn,
       deposited_eur, deposits, withdrawals
  from balances
 where tenant_id = :tenant_id and generation = :generation
   and (:player_id::text is null or player_id = :player_id)
   and (:currency::text is null or currency = :currency)
   and (:after_player::text is null
        or player_id >= :after_player and (player_id, currency) > (:after_player, :after_currency))
 order by player_id, currency limit :limit;
