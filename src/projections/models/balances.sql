-- name: add_to_balances(tenant_id, generation, player_id, currency, deposited, withdrawn, bet_real, bet_bonus, win_real, win_bonus, deposited_eur, deposits, withdrawals, bets, wins)!
-- Add what moved to each player's balance in each currency.
insert into balances as b
       (tenant_id, generation, player_id, currency, deposited, withdrawn, bet_real, bet_bonus,
        win_real, win_bonus, deposited_eur, deposits, withdrawals, bets, wins)
select t.tenant_id, t.generation, moved.*
  from unnest(:player_id::text[], :currency::text[], :deposited::numeric[], :withdrawn::numeric[],
              :bet_real::numeric[], :bet_bonus::numeric[], :win_real::numeric[],
              :win_bonus::numeric[], :deposited_eur::numeric[], :deposits::bigint[],
              :withdrawals::bigint[], :bets::bigint[], :wins::bigint[]) as moved
 cross join tracking as t
 where t.tenant_id = :tenant_id and t.generation = :generation
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
    wins = b.wins + excluded.wins;

-- name: add_rolled_back(tenant_id, generation, player_id, currency, rolled_back_bet_real, rolled_back_bet_bonus, rolled_back_win_real, rolled_back_win_bonus, rolled_back_bets, rolled_back_wins)!
-- Add what was rolled back to the few balances that have any. `add_to_balances` has written their rows before, so
-- that there is always a conflict; an upsert goes by the primary key whatever the planner expects.
insert into balances as b
       (tenant_id, generation, player_id, currency, deposited, withdrawn, bet_real, bet_bonus, win_real, win_bonus,
        deposited_eur, deposits, withdrawals, bets, wins, rolled_back_bet_real, rolled_back_bet_bonus,
        rolled_back_win_real, rolled_back_win_bonus, rolled_back_bets, rolled_back_wins)
select t.tenant_id, t.generation, m.player_id, m.currency, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
       m.rolled_back_bet_real, m.rolled_back_bet_bonus, m.rolled_back_win_real, m.rolled_back_win_bonus,
       m.rolled_back_bets, m.rolled_back_wins
  from unnest(:player_id::text[], :currency::text[], :rolled_back_bet_real::numeric[], :rolled_back_bet_bonus::numeric[],
              :rolled_back_win_real::numeric[], :rolled_back_win_bonus::numeric[],
              :rolled_back_bets::bigint[], :rolled_back_wins::bigint[])
       as m (player_id, currency, rolled_back_bet_real, rolled_back_bet_bonus,
             rolled_back_win_real, rolled_back_win_bonus, rolled_back_bets, rolled_back_wins)
 cross join tracking as t
 where t.tenant_id = :tenant_id and t.generation = :generation
on conflict (tenant_id, generation, player_id, currency) do update set
    rolled_back_bet_real = coalesce(b.rolled_back_bet_real, 0) + excluded.rolled_back_bet_real,
    rolled_back_bet_bonus = coalesce(b.rolled_back_bet_bonus, 0) + excluded.rolled_back_bet_bonus,
    rolled_back_win_real = coalesce(b.rolled_back_win_real, 0) + excluded.rolled_back_win_real,
    rolled_back_win_bonus = coalesce(b.rolled_back_win_bonus, 0) + excluded.rolled_back_win_bonus,
    rolled_back_bets = coalesce(b.rolled_back_bets, 0) + excluded.rolled_back_bets,
    rolled_back_wins = coalesce(b.rolled_back_wins, 0) + excluded.rolled_back_wins;

-- name: find_balances(tenant_id, generation, player_id, currency, after_player, after_currency, limit)
-- `>=` follows from the comparison behind it, and is where a page begins in the index by currency.
select player_id, currency, bet_real, bet_bonus, win_real, win_bonus, bets, wins, deposited, withdrawn,
       deposited_eur, deposits, withdrawals,
       rolled_back_bet_real, rolled_back_bet_bonus, rolled_back_win_real, rolled_back_win_bonus,
       rolled_back_bets, rolled_back_wins
  from balances
 where tenant_id = :tenant_id and generation = :generation
   and (:player_id::text is null or player_id = :player_id)
   and (:currency::text is null or currency = :currency)
   and (:after_player::text is null
        or player_id >= :after_player and (player_id, currency) > (:after_player, :after_currency))
 order by player_id, currency limit :limit;
