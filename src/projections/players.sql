-- name: see_players(tenant_id, generation, player_id, first_seen, last_seen, last_login, logins)
-- Whoever is named by an event is listed.
insert into players as p (tenant_id, generation, player_id, first_seen, last_seen, last_login, logins)
select :tenant_id, :generation, seen.*
  from unnest(:player_id::text[], :first_seen::timestamptz[], :last_seen::timestamptz[],
              :last_login::timestamptz[], :logins::bigint[]) as seen
on conflict (tenant_id, generation, player_id) do update set
    first_seen = least(p.first_seen, excluded.first_seen),
    last_seen = greatest(p.last_seen, excluded.last_seen),
    last_login = greatest(p.last_login, excluded.last_login),
    logins = p.logins + excluded.logins
returning 1;

-- name: player_profiles(tenant_id, generation, player_ids)
select player_id, stamps::text, username, registration_date, country, currency, gender, affiliate, operator,
       tags, consent_email, is_blocked
  from players
 where tenant_id = :tenant_id and generation = :generation and player_id = any(:player_ids);

-- name: update_player(tenant_id, generation, player_id, stamps, username, registration_date, country, currency, gender, affiliate, operator, tags, consent_email, is_blocked)!
update players
   set stamps = :stamps::jsonb, username = :username, registration_date = :registration_date,
       country = :country, currency = :currency, gender = :gender, affiliate = :affiliate,
       operator = :operator, tags = coalesce(:tags::text[], '{}'),
       tags_cut = array(select left(tag, 255) from unnest(:tags::text[]) as tag),
       consent_email = :consent_email, is_blocked = :is_blocked
 where tenant_id = :tenant_id and generation = :generation and player_id = :player_id;

-- name: find_players(tenant_id, generation, country, currency, tag, affiliate, operator, is_blocked, after, limit)
select player_id, username, registration_date, country, currency, gender, affiliate, operator, tags,
       consent_email, is_blocked, first_seen, last_seen, last_login, logins
  from players
 where tenant_id = :tenant_id and generation = :generation
   and (:country::text is null or country = :country)
   and (:currency::text is null or currency = :currency)
   and (:tag::text is null
        or tags_cut @> array[left(:tag::text, 255)] and tags @> array[:tag::text])
   and (:affiliate::text is null or affiliate = :affiliate)
   and (:operator::text is null or operator = :operator)
   and (:is_blocked::bool is null or is_blocked = :is_blocked)
   and (:after::text is null or player_id > :after)
 order by player_id limit :limit;

-- name: get_player(tenant_id, generation, player_id)
select player_id, username, registration_date, country, currency, gender, affiliate, operator, tags,
       consent_email, is_blocked, first_seen, last_seen, last_login, logins
  from players
 where tenant_id = :tenant_id and generation = :generation and player_id = :player_id;
