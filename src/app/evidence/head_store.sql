-- name: statements_from(tenant_id, log_number, first)
select n, statement, made_at from head_statements
 where tenant_id = :tenant_id and log_number = :log_number and n >= :first order by n;

-- name: newest_statement(tenant_id, log_number, below, size)
-- The newest of the first statements of a log, of it at that size or a smaller one.
select n, statement, made_at from head_statements
 where tenant_id = :tenant_id and log_number = :log_number and n < :below and size <= :size
 order by n desc limit 1;

-- name: number_of_statements(tenant_id, log_number)
select coalesce(max(n) + 1, 0) from head_statements
 where tenant_id = :tenant_id and log_number = :log_number;

-- name: add_statement(tenant_id, log_number, n, size, statement, made_at)!
insert into head_statements (tenant_id, log_number, n, size, statement, made_at)
values (:tenant_id, :log_number, :n, :size, :statement, :made_at);

-- name: page_at(tenant_id, log_number, n, page)
select page as n, first_stream, entries, hashes from head_pages
 where tenant_id = :tenant_id and log_number = :log_number and n = :n and page = :page;

-- name: page_of_stream(tenant_id, log_number, n, stream)
select page as n, first_stream, entries, hashes from head_pages
 where tenant_id = :tenant_id and log_number = :log_number and n = :n
   and first_stream <= :stream::text collate "C"
 order by first_stream desc limit 1;

-- name: tile_of_heads(tenant_id, log_number, n, level, tile)
select hashes from head_tiles
 where tenant_id = :tenant_id and log_number = :log_number and n = :n and level = :level
   and tile = :tile;

-- name: kept_pages(tenant_id, log_number, n)
-- How many pages of a statement there are, and tiles over them.
select (select count(*) from head_pages
         where tenant_id = :tenant_id and log_number = :log_number and n = :n)
     + (select count(*) from head_tiles
         where tenant_id = :tenant_id and log_number = :log_number and n = :n);

-- name: add_page(tenant_id, log_number, n, page, first_stream, entries, hashes)!
insert into head_pages (tenant_id, log_number, n, page, first_stream, entries, hashes)
values (:tenant_id, :log_number, :n, :page, :first_stream, :entries, :hashes);

-- name: add_tile(tenant_id, log_number, n, level, tile, hashes)!
insert into head_tiles (tenant_id, log_number, n, level, tile, hashes)
values (:tenant_id, :log_number, :n, :level, :tile, :hashes);

-- name: sweep_pages(tenant_id, log_number, first, last)!
-- Keep only the pages of these statements.
delete from head_pages
 where tenant_id = :tenant_id and log_number = :log_number and (n < :first or n > :last);

-- name: sweep_tiles(tenant_id, log_number, first, last)!
delete from head_tiles
 where tenant_id = :tenant_id and log_number = :log_number and (n < :first or n > :last);
