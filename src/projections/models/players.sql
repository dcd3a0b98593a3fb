-- name: forget_profiles(tenant_id, generation, player_ids)!
-- Of those who were erased, as if no update had ever named a field. That they were seen stays.
update players
   set (username, registration_date, country, currency, gender, affiliate, operator, tags, consent_email,
        is_blocked, username_folded, tags_cut, stamps) =
       row (default, default, default, default, default, default, default, default, default,
            default, default, default, default)
 where tenant_id = :tenant_id and generation = :generation and player_id = any(:player_ids);

-- name: see_players(tenant_id, generation, player_id, first_seen, last_seen, last_login, logins)!
-- Whoever is named by an event is listed.
insert into players as p (tenant_id, generation, player_id, first_seen, last_seen, last_login, logins)
select t.tenant_id, t.generation, seen.*
  from unnest(:player_id::text[], :first_seen::timestamptz[], :last_seen::timestamptz[],
              :last_login::timestamptz[], :logins::bigint[]) as seen
 cross join tracking as t
 where t.tenant_id = :tenant_id and t.generation = :generation
on conflict (tenant_id, generation, player_id) do update set
    first_seen = least(p.first_seen, excluded.first_seen),
    last_seen = greatest(p.last_seen, excluded.last_seen),
    last_login = greatest(p.last_login, excluded.last_login),
    logins = p.logins + excluded.logins;

-- name: player_profiles(tenant_id, generation, player_ids)
select player_id, stamps::text as stamps, username, registration_date, country, currency, gender, affiliate, operator,
       tags, consent_email, is_blocked
  from players
 where tenant_id = :tenant_id and generation = :generation and player_id = any(:player_ids);

-- name: update_players(tenant_id, generation, player_id, first_seen, last_seen, last_login, logins, username, registration_date, country, currency, gender, affiliate, operator, tags, consent_email, is_blocked, username_folded, tags_cut, stamps)!
-- Of those whose profile changes, new ones among them. Arrays of different lengths can't be elements of one
-- array: tags come as text, '{"a","b"}'.
insert into players as p
       (tenant_id, generation, player_id, first_seen, last_seen, last_login, logins, username,
        registration_date, country, currency, gender, affiliate, operator, tags, consent_email, is_blocked,
        username_folded, tags_cut, stamps)
select t.tenant_id, t.generation, u.player_id, u.first_seen, u.last_seen, u.last_login, u.logins, u.username,
       u.registration_date, u.country, u.currency, u.gender, u.affiliate, u.operator, u.tags::text[],
       u.consent_email, u.is_blocked, u.username_folded, u.tags_cut::text[], u.stamps::jsonb
  from unnest(:player_id::text[], :first_seen::timestamptz[], :last_seen::timestamptz[],
              :last_login::timestamptz[], :logins::bigint[], :username::text[],
              :registration_date::timestamptz[], :country::text[], :currency::text[], :gender::text[],
              :affiliate::text[], :operator::text[], :tags::text[], :consent_email::bool[],
              :is_blocked::bool[], :username_folded::text[], :tags_cut::text[], :stamps::text[])
       as u (player_id, first_seen, last_seen, last_login, logins, username, registration_date, country,
             currency, gender, affiliate, operator, tags, consent_email, is_blocked, username_folded, tags_cut, stamps)
 cross join tracking as t
 where t.tenant_id = :tenant_id and t.generation = :generation
on conflict (tenant_id, generation, player_id) do update set
    first_seen = least(p.first_seen, excluded.first_seen),
    last_seen = greatest(p.last_seen, excluded.last_seen),
    last_login = greatest(p.last_login, excluded.last_login),
    logins = p.logins + excluded.logins,
    username = excluded.username,
    registration_date = excluded.registration_date,
    country = excluded.country,
    currency = excluded.currency,
    gender = excluded.gender,
    affiliate = excluded.affiliate,
    operator = excluded.operator,
    tags = excluded.tags,
    consent_email = excluded.consent_email,
    is_blocked = excluded.is_blocked,
    username_folded = excluded.username_folded,
    tags_cut = excluded.tags_cut,
    stamps = excluded.stamps;

-- name: find_players(tenant_id, generation, country, currency, tag, affiliate, operator, is_blocked, q_folded, after, after_username, limit, page_bytes)
-- What was cut for an index is compared whole only where that can tell more: the planner takes every condition
-- for one that leaves fewer rows. `(select …)` hides the generation from it: of any it then expects the share
-- that one has, and so knows from which tags on the index by tag is better than the order by id.
-- With `q` they come in the order of usernames, else of ids: of a `case` the planner knows beforehand what it gives.
-- That order and `q` are written so that no index has them: `find_named` goes by theirs, and here another filter leads.
-- What a page can't hold is left out behind the first; `selected` tells how many there were with it.
select player_id, username, registration_date, country, currency, gender, affiliate, operator, tags,
       consent_email, is_blocked, first_seen, last_seen, last_login, logins, selected
  from (select chosen.*, count(*) over () as selected,
               sum(octet_length(chosen::text)) over (order by name, player_id
                                                     rows between unbounded preceding
                                                     and 1 preceding) as bytes_before
          from (select player_id, username, registration_date, country, currency, gender, affiliate,
                       operator, tags, consent_email, is_blocked, first_seen, last_seen, last_login, logins,
                       case when :q_folded::text is null then ''
                            else coalesce(left(username_folded, 255), '') end as name
                  from players
                 where tenant_id = :tenant_id and generation = (select :generation::int)
                   and (:country::text is null
                        or left(country, 255) = left(:country::text, 255)
                           and (length(:country::text) < 255 or country = :country))
                   and (:currency::text is null
                        or left(currency, 255) = left(:currency::text, 255)
                           and (length(:currency::text) < 255 or currency = :currency))
                   and (:tag::text is null
                        or tags_cut @> array[left(:tag::text, 255)]
                           and (length(:tag::text) < 255 or tags @> array[:tag::text]))
                   and (:affiliate::text is null
                        or left(affiliate, 255) = left(:affiliate::text, 255)
                           and (length(:affiliate::text) < 255 or affiliate = :affiliate))
                   and (:operator::text is null
                        or left(operator, 255) = left(:operator::text, 255)
                           and (length(:operator::text) < 255 or operator = :operator))
                   and (:is_blocked::bool is null or is_blocked = :is_blocked)
                   and (:q_folded::text is null or username_folded ^@ :q_folded::text)
                   and (:after::text is null
                        or :q_folded::text is null and player_id > :after
                        or :q_folded::text is not null
                           and (left(username_folded, 255), player_id) > (:after_username::text, :after))
                 order by name, player_id limit :limit) as chosen) as measured
 where coalesce(bytes_before, 0) < :page_bytes
 order by name, player_id;

-- name: find_named(tenant_id, generation, country, currency, tag, affiliate, operator, is_blocked, q_folded, after, after_username, limit, page_bytes, look_at)
-- As `find_players` with `q`, but of the first `look_at` alone whose names begin so: read in the order of their index,
-- until the page is full. `>=` follows from the comparison behind it, and is where a page begins in the index.
select player_id, username, registration_date, country, currency, gender, affiliate, operator, tags,
       consent_email, is_blocked, first_seen, last_seen, last_login, logins, selected
  from (select chosen.*, count(*) over () as selected,
               sum(octet_length(chosen::text)) over (order by name, player_id
                                                     rows between unbounded preceding
                                                     and 1 preceding) as bytes_before
          from (select *
                  from (select player_id, username, registration_date, country, currency, gender, affiliate,
                               operator, tags, consent_email, is_blocked, first_seen, last_seen, last_login, logins,
                               left(username_folded, 255) as name
                          from players
                         where tenant_id = :tenant_id and generation = (select :generation::int)
                           and left(username_folded, 255) ^@ left(:q_folded::text, 255)
                           and (length(:q_folded::text) <= 255 or username_folded ^@ :q_folded::text)
                           and (:after::text is null
                                or left(username_folded, 255) >= :after_username::text
                                   and (left(username_folded, 255), player_id) > (:after_username::text, :after))
                         order by name, player_id limit :look_at) as named
                 where (:country::text is null or country = :country)
                   and (:currency::text is null or currency = :currency)
                   and (:tag::text is null or tags @> array[:tag::text])
                   and (:affiliate::text is null or affiliate = :affiliate)
                   and (:operator::text is null or operator = :operator)
                   and (:is_blocked::bool is null or is_blocked = :is_blocked)
                 order by name, player_id limit :limit) as chosen) as measured
 where coalesce(bytes_before, 0) < :page_bytes
 order by name, player_id;

-- name: count_named(tenant_id, generation, q_folded, after, after_username, look_at)
-- How many `find_named` has to look at.
select count(*) as named
  from (select from players
         where tenant_id = :tenant_id and generation = (select :generation::int)
           and left(username_folded, 255) ^@ left(:q_folded::text, 255)
           and (length(:q_folded::text) <= 255 or username_folded ^@ :q_folded::text)
           and (:after::text is null
                or left(username_folded, 255) >= :after_username::text
                   and (left(username_folded, 255), player_id) > (:after_username::text, :after))
         limit :look_at) as named;

-- name: get_player(tenant_id, generation, player_id)
select player_id, username, registration_date, country, currency, gender, affiliate, operator, tags,
       consent_email, is_blocked, first_seen, last_seen, last_login, logins, stamps::text as stamps
  from players
 where tenant_id = :tenant_id and generation = :generation and player_id = :player_id;
