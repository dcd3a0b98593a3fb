-- name: last_position_by(tenant_id, moment, after, head)
-- The position of the last event that was recorded before a moment. Along positions the time of recording never
-- decreases, so the half in which it is can be told, again and again.
with recursive search (low, high) as (
    select :after::bigint, :head::bigint
     union all
    select case when is_before then middle else low end, case when is_before then high else middle - 1 end
      from (select low, high, (low + high + 1) / 2 as middle,
                   coalesce((select recorded_at < :moment from events
                              where tenant_id = :tenant_id and position = (low + high + 1) / 2), false)
                       as is_before
              from search where low < high) as halves
)
select low as position from search where low >= high limit 1;

-- name: late_days(tenant_id, generation, period, known, limit)
-- The players to whose day something was added after a position of the log.
select player_id, currency, period from balance_periods
 where tenant_id = :tenant_id and generation = :generation and is_day and period = :period
   and last_position > :known
 order by player_id, currency limit :limit;

-- name: late_positions(tenant_id, generation, players, begins_at, ends_at, known, limit)
-- Where their events of the day stand that are after it.
select p.position
  from unnest(:players::text[]) as w (player_id)
 cross join lateral (
       select unnest(positions) as position from balance_periods
        where tenant_id = :tenant_id and generation = :generation and player_id = w.player_id collate "C"
          and not is_day and period >= :begins_at and period < :ends_at and last_position > :known offset 0) p
 where p.position > :known
 order by p.position limit :limit;
