-- name: awaited(tenant_id, generation, limit)
-- What rollbacks refer to and is not recorded. The order is that of an index, which also tells at once that there
-- is nothing.
select reference from rollbacks
 where tenant_id = :tenant_id and generation = :generation and status = 'unmatched'
 order by occurred_at, position limit :limit;

-- name: standing(tenant_id, generation, references)
-- The rollbacks of these references that are not repeated. `+ 0` keeps the planner to the index that has the
-- reference: by the others, which begin with tenant and generation, it expects few rows as long as the table was
-- not analyzed.
select s.position, s.unique_id, s.player_id, s.game_id, s.round_id, s.occurred_at as timestamp, s.amount, s.currency,
       s.is_win, s.is_bonus, s.bonus_amount, s.reference, s.reason, s.status
  from unnest(:references::text[]) as r (reference)
 cross join lateral (
       select * from rollbacks
        where tenant_id = :tenant_id and reference = r.reference and generation + 0 = :generation
          and reference is not null and status <> 'repeated' offset 0) s;

-- name: copy_rollbacks()!
copy rollbacks (tenant_id, generation, position, status, unique_id, player_id, game_id, round_id, occurred_at, amount,
                currency, is_win, is_bonus, bonus_amount, reference, reason)
from stdin;

-- name: restate(tenant_id, generation, status, positions)!
update rollbacks set status = :status
 where tenant_id = :tenant_id and generation = :generation and position = any(:positions);

-- name: find_rollbacks(tenant_id, generation, player_id, game_id, round_id, status, at_or_after, before, after_at, after_position, limit, page_bytes)
-- What a page can't hold is left out behind the first; `selected` tells how many there were with it.
select unique_id, position, player_id, game_id, round_id, timestamp, amount, currency, is_win, is_bonus,
       bonus_amount, reference, reason, status, selected
  from (select chosen.*, count(*) over () as selected,
               sum(octet_length(chosen::text)) over (order by timestamp desc, position desc
                                                     rows between unbounded preceding and 1 preceding) as bytes_before
          from (select unique_id, position, player_id, game_id, round_id, occurred_at as timestamp, amount, currency,
                       is_win, is_bonus, bonus_amount, reference, reason, status
                  from rollbacks
                 where tenant_id = :tenant_id and generation = :generation
                   and (:player_id::text is null or player_id = :player_id)
                   and (:game_id::text is null or game_id = :game_id)
                   and (:round_id::text is null or round_id = :round_id)
                   and (:status::text is null or status = :status)
                   and (:at_or_after::timestamptz is null or occurred_at >= :at_or_after)
                   and (:before::timestamptz is null or occurred_at < :before)
                   and (:after_at::timestamptz is null
                        or (occurred_at, position) < (:after_at, :after_position::bigint))
                 order by occurred_at desc, position desc limit :limit) as chosen) as measured
 where coalesce(bytes_before, 0) < :page_bytes
 order by timestamp desc, position desc;
