-- name: see_games(tenant_id, generation, game_id, first_seen, last_seen)
-- Whatever is named by an event is listed.
insert into games as g (tenant_id, generation, game_id, first_seen, last_seen)
select :tenant_id, :generation, seen.*
  from unnest(:game_id::text[], :first_seen::timestamptz[], :last_seen::timestamptz[]) as seen
on conflict (tenant_id, generation, game_id) do update set
    first_seen = least(g.first_seen, excluded.first_seen),
    last_seen = greatest(g.last_seen, excluded.last_seen)
returning 1;

-- name: game_profiles(tenant_id, generation, game_ids)
select game_id, stamps::text, name, provider, categories, features, themes, device, has_freespins
  from games
 where tenant_id = :tenant_id and generation = :generation and game_id = any(:game_ids);

-- name: update_game(tenant_id, generation, game_id, stamps, name, name_folded, provider, categories, features, themes, device, has_freespins)!
update games
   set stamps = :stamps::jsonb, name = :name, name_folded = :name_folded, provider = :provider,
       categories = coalesce(:categories::text[], '{}'),
       features = coalesce(:features::text[], '{}'),
       themes = coalesce(:themes::text[], '{}'), device = :device, has_freespins = :has_freespins
 where tenant_id = :tenant_id and generation = :generation and game_id = :game_id;
