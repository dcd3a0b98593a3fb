-- name: open_rounds(tenant_id, generation, player_id, game_id, begun_by, limit)
select player_id, game_id, round_id, first_at, last_at, bet_count, sums
  from rounds
 where tenant_id = :tenant_id and generation = :generation and status = 'open'
   and (:player_id::text is null or player_id = :player_id)
   and (:game_id::text is null or game_id = :game_id)
   and (:begun_by::timestamptz is null or first_at <= :begun_by)
 order by first_at, key limit :limit;
