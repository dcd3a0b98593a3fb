-- name: held(tenant_id, player_id)
-- Whether a player is on hold, by the last word on it.
select held from holds
 where tenant_id = :tenant_id and player_id = :player_id
 order by number desc limit 1;

-- name: record_hold(tenant_id, player_id, held, reason, by, at)!
insert into holds (tenant_id, number, player_id, held, reason, by, at)
select :tenant_id, coalesce(max(number), 0) + 1, :player_id, :held, :reason, :by, :at
  from holds where tenant_id = :tenant_id;

-- name: list_holds(tenant_id)
select player_id, reason, by, at
  from (select distinct on (player_id) * from holds
         where tenant_id = :tenant_id order by player_id, number desc) as last
 where held order by player_id;
