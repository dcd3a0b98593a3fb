-- name: parts_of_log()
-- The table of the log, what it keeps out of line, and its indexes, with their sizes.
select c.relname, pg_table_size(c.oid) from pg_class c where c.oid = 'roundbook.events'::regclass
union all
select i.relname, pg_relation_size(i.oid)
  from pg_index x join pg_class i on i.oid = x.indexrelid
 where x.indrelid = 'roundbook.events'::regclass
 order by 1;

-- name: sent()
-- How many events there are, and how long what was sent of them is, as it was sent.
select count(*), sum(octet_length(state)) from roundbook.events;
