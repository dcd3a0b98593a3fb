-- name: see_games(tenant_id, generation, game_id, first_seen, last_seen)!
-- Whatever is named by an event is listed.
insert into games as g (tenant_id, generation, game_id, first_seen, last_seen)
select t.tenant_id, t.generation, seen.*
  from unnest(:game_id::text[], :first_seen::timestamptz[], :last_seen::timestamptz[]) as seen
 cross join tracking as t
 where t.tenant_id = :tenant_id and t.generation = :generation
on conflict (tenant_id, generation, game_id) do update set
    first_seen = least(g.first_seen, excluded.first_seen),
    last_seen = greatest(g.last_seen, excluded.last_seen);

-- name: game_profiles(tenant_id, generation, game_ids)
select game_id, stamps::text as stamps, name, provider, categories, features, themes, device, has_freespins,
       theoretical_rtp, volatility
  from games
 where tenant_id = :tenant_id and generation = :generation and game_id = any(:game_ids);

-- name: update_games(tenant_id, generation, game_id, first_seen, last_seen, name, provider, categories, features, themes, device, has_freespins, theoretical_rtp, volatility, name_folded, stamps)!
-- Of those whose entry changes, new ones among them. Arrays of different lengths can't be elements of one
-- array: lists come as text, '{"a","b"}'.
insert into games as g
       (tenant_id, generation, game_id, first_seen, last_seen, name, provider, categories, features, themes,
        device, has_freespins, theoretical_rtp, volatility, name_folded, stamps)
select t.tenant_id, t.generation, u.game_id, u.first_seen, u.last_seen, u.name, u.provider,
       u.categories::text[], u.features::text[], u.themes::text[], u.device, u.has_freespins,
       u.theoretical_rtp, u.volatility, u.name_folded, u.stamps::jsonb
  from unnest(:game_id::text[], :first_seen::timestamptz[], :last_seen::timestamptz[], :name::text[],
              :provider::text[], :categories::text[], :features::text[], :themes::text[], :device::text[],
              :has_freespins::text[], :theoretical_rtp::numeric[], :volatility::numeric[], :name_folded::text[],
              :stamps::text[])
       as u (game_id, first_seen, last_seen, name, provider, categories, features, themes, device,
             has_freespins, theoretical_rtp, volatility, name_folded, stamps)
 cross join tracking as t
 where t.tenant_id = :tenant_id and t.generation = :generation
on conflict (tenant_id, generation, game_id) do update set
    first_seen = least(g.first_seen, excluded.first_seen),
    last_seen = greatest(g.last_seen, excluded.last_seen),
    name = excluded.name,
    provider = excluded.provider,
    categories = excluded.categories,
    features = excluded.features,
    themes = excluded.themes,
    device = excluded.device,
    has_freespins = excluded.has_freespins,
    theoretical_rtp = excluded.theoretical_rtp,
    volatility = excluded.volatility,
    name_folded = excluded.name_folded,
    stamps = excluded.stamps;

-- name: find_games(tenant_id, generation, provider, category, feature, theme, device, has_freespins, q_folded, after, limit, page_bytes)
-- What a page can't hold is left out behind the first; `selected` tells how many there were with it.
select game_id, name, provider, categories, features, themes, device, has_freespins, first_seen, last_seen,
       theoretical_rtp, volatility, selected
  from (select chosen.*, count(*) over () as selected,
               sum(octet_length(chosen::text)) over (order by game_id rows between unbounded preceding
                                                     and 1 preceding) as bytes_before
          from (select game_id, name, provider, categories, features, themes,
                       coalesce(device, 'undefined') as device,
                       coalesce(has_freespins, 'unknown') as has_freespins, first_seen, last_seen,
                       trim_scale(theoretical_rtp)::text as theoretical_rtp,
                       trim_scale(volatility)::text as volatility
                  from games
                 where tenant_id = :tenant_id and generation = :generation
                   and (:provider::text is null or provider = :provider)
                   and (:category::text is null or categories @> array[:category::text])
                   and (:feature::text is null or features @> array[:feature::text])
                   and (:theme::text is null or themes @> array[:theme::text])
                   and (:device::text is null or coalesce(device, 'undefined') = :device)
                   and (:has_freespins::text is null
                        or coalesce(has_freespins, 'unknown') = :has_freespins)
                   and (:q_folded::text is null or position(:q_folded in name_folded) > 0)
                   and (:after::text is null or game_id > :after)
                 order by game_id limit :limit) as chosen) as measured
 where coalesce(bytes_before, 0) < :page_bytes
 order by game_id;

-- name: get_game(tenant_id, generation, game_id)
select game_id, name, provider, categories, features, themes, coalesce(device, 'undefined') as device,
       coalesce(has_freespins, 'unknown') as has_freespins, first_seen, last_seen,
       trim_scale(theoretical_rtp)::text as theoretical_rtp, trim_scale(volatility)::text as volatility,
       stamps::text as stamps
  from games
 where tenant_id = :tenant_id and generation = :generation and game_id = :game_id;

-- name: facets(tenant_id, generation, provider, category, feature, theme, device, has_freespins, q_folded)
-- The values that the chosen games have, each with the number of games that have it. A list that
-- holds a value twice counts once. Games are counted by their lists first, in one pass, as many have the
-- same: taking the list of each game apart would take three times as long.
with chosen as (
    select provider, categories, features, themes, coalesce(device, 'undefined') as device,
           coalesce(has_freespins, 'unknown') as has_freespins
      from games
     where tenant_id = :tenant_id and generation = :generation
       and (:provider::text is null or provider = :provider)
       and (:category::text is null or categories @> array[:category::text])
       and (:feature::text is null or features @> array[:feature::text])
       and (:theme::text is null or themes @> array[:theme::text])
       and (:device::text is null or coalesce(device, 'undefined') = :device)
       and (:has_freespins::text is null or coalesce(has_freespins, 'unknown') = :has_freespins)
       and (:q_folded::text is null or position(:q_folded in name_folded) > 0)
), alike (facet, held, games) as (
    select case 0 when grouping(provider) then 'provider' when grouping(categories) then 'category'
                  when grouping(features) then 'feature' when grouping(themes) then 'theme'
                  when grouping(device) then 'device' else 'has_freespins' end,
           case 0 when grouping(provider) then array[provider] when grouping(categories) then categories
                  when grouping(features) then features when grouping(themes) then themes
                  when grouping(device) then array[device] else array[has_freespins] end,
           count(*)
      from chosen
     group by grouping sets ((provider), (categories), (features), (themes), (device), (has_freespins))
)
select facet, value, sum(games)::bigint as count
  from alike cross join lateral (select distinct unnest(held)) as v (value)
 where value is not null
 group by facet, value order by sum(games) desc, value;
