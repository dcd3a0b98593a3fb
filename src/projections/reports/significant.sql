-- name: conflicts_between(tenant_id, begin, end, head, limit)
select unique_id, position, received_at, event from conflicts
 where tenant_id = :tenant_id and received_at >= :begin and received_at < :end and position <= :head
 order by number limit :limit;

-- name: refused_between(tenant_id, begin, end, limit)
-- By when an item was received first.
select received_at, unique_id, event, times::int as times from roundbook.refused_items
 where tenant_id = :tenant_id and received_at >= :begin and received_at < :end
 order by received_at limit :limit;

-- name: keys_between(tenant_id, begin, end)
select at, 'key ' || key_id || ' was ' || what || ', with the scopes ' || array_to_string(scopes, ', ') as detail
  from roundbook.keys_of(:tenant_id)
 cross join lateral (values ('made', created_at), ('revoked', revoked_at)) as done (what, at)
 where at >= :begin and at < :end;

-- name: winners(tenant_id, generation, begins_at, ends_at, threshold, limit)
-- Who has won as much on a day.
select distinct player_id from balance_periods
 where tenant_id = :tenant_id and generation = :generation and is_day
   and (:begins_at::timestamptz is null or period >= :begins_at)
   and (:ends_at::timestamptz is null or period < :ends_at)
   and win_real + coalesce(rolled_back_win_real, 0) + win_bonus + coalesce(rolled_back_win_bonus, 0) >= :threshold
 order by player_id limit :limit;

-- name: winning_positions(tenant_id, generation, players, begins_at, ends_at, threshold, limit)
-- Where the events of the periods stand in which they have.
select p.position
  from unnest(:players::text[]) as w (player_id)
 cross join lateral (
       select unnest(positions) as position from balance_periods
        where tenant_id = :tenant_id and generation = :generation and player_id = w.player_id collate "C"
          and not is_day
          and (:begins_at::timestamptz is null or period >= :begins_at)
          and (:ends_at::timestamptz is null or period < :ends_at)
          and win_real + coalesce(rolled_back_win_real, 0) + win_bonus + coalesce(rolled_back_win_bonus, 0)
              >= :threshold offset 0) p
 order by p.position limit :limit;
