-- name: known_rounds(tenant_id, generation, keys)
-- What is known of these rounds so far. `+ 0` keeps the planner to the index that has the key: by the others,
-- which begin with tenant and generation, it expects few rows as long as the table was not analyzed.
-- The keys come one behind the other, 16 bytes each, which is far quicker to send than an array.
select r.key, r.first_at, r.last_at, r.bet_count, r.win_count, r.sums, r.ended_at
  from (select substring(:keys::bytea from n for 16)
          from generate_series(1, length(:keys::bytea), 16) as n) as k (key)
 cross join lateral (
       select * from rounds
        where tenant_id = :tenant_id and key = k.key and generation + 0 = :generation offset 0) r;

-- name: copy_rounds()!
copy rounds (tenant_id, generation, key, first_at, last_at, bet_count, win_count, mixed_currency, status,
             player_id, game_id, round_id, sums, ended_at, positions)
from stdin (format binary);

-- name: update_rounds(tenant_id, generation, key, player_id, game_id, round_id, first_at, last_at, bet_count, win_count, status, mixed_currency, sums, ended_at, positions)!
-- Of rounds that are known. An UPDATE would join the table, and the planner, to whom a table that was not
-- analyzed is nearly empty, reads all rounds of the tenant to do so: each chunk would cost more than the
-- last. An upsert goes by the primary key, whatever it expects. Arrays of different lengths can't be
-- elements of one array: positions come as text, '{1,2}'.
insert into rounds as r
       (tenant_id, generation, key, player_id, game_id, round_id, first_at, last_at, bet_count, win_count,
        status, mixed_currency, sums, ended_at, positions)
select t.tenant_id, t.generation, decode(n.key, 'hex'), n.player_id, n.game_id, n.round_id, n.first_at, n.last_at,
       n.bet_count, n.win_count, n.status, n.mixed_currency, n.sums, n.ended_at,
       n.positions::bigint[]
  from unnest(:key::text[], :player_id::text[], :game_id::text[], :round_id::text[],
              :first_at::timestamptz[], :last_at::timestamptz[], :bet_count::int[], :win_count::int[],
              :status::text[], :mixed_currency::bool[], :sums::text[], :ended_at::timestamptz[],
              :positions::text[])
       as n (key, player_id, game_id, round_id, first_at, last_at, bet_count, win_count, status,
             mixed_currency, sums, ended_at, positions)
 cross join tracking as t
 where t.tenant_id = :tenant_id and t.generation = :generation
on conflict (tenant_id, key, generation) do update set
    first_at = excluded.first_at,
    last_at = excluded.last_at,
    bet_count = excluded.bet_count,
    win_count = excluded.win_count,
    status = excluded.status,
    mixed_currency = excluded.mixed_currency,
    sums = excluded.sums,
    ended_at = excluded.ended_at,
    positions = r.positions || excluded.positions;

-- name: find_rounds(tenant_id, generation, player_id, game_id, round_id, status, mixed_currency, at_or_after, before, after_at, after_key, limit, page_bytes)
-- Bets and wins are only looked for where a round is named, and take about half a kB each then. What a page
-- can't hold is left out behind the first; `selected` tells how many there were with it.
select player_id, game_id, round_id, status, mixed_currency, first_at, last_at, bet_count, win_count,
       ended_at, sums, positions, selected
  from (select chosen.*, count(*) over () as selected,
               sum(octet_length(sums) + 512 * coalesce(cardinality(positions), 0)) over (
                   order by first_at desc, key desc rows between unbounded preceding and 1 preceding
               ) as bytes_before
          from (select player_id, game_id, round_id, status, mixed_currency, first_at, last_at, bet_count,
                       win_count, ended_at, sums, key,
                       case when :round_id::text is null then '{}' else positions end as positions
                  from rounds
                 where tenant_id = :tenant_id and generation = :generation
                   and (:player_id::text is null or player_id = :player_id)
                   and (:game_id::text is null or game_id = :game_id)
                   and (:round_id::text is null or round_id = :round_id)
                   and (:status::text is null or status = :status)
                   and (:mixed_currency::bool is null or mixed_currency = :mixed_currency)
                   and (:at_or_after::timestamptz is null or first_at >= :at_or_after)
                   and (:before::timestamptz is null or first_at < :before)
                   and (:after_at::timestamptz is null or (first_at, key) < (:after_at, :after_key::bytea))
                 order by first_at desc, key desc limit :limit) as chosen) as measured
 where coalesce(bytes_before, 0) < :page_bytes
 order by first_at desc, key desc;
