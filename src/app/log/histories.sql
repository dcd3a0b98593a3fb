-- name: notice_history()
select notice_history();

-- name: begin_history()
select begin_history();

-- name: newest_history()
select history_id from histories order by number desc limit 1;

-- name: heads_of_histories(tenant_id)
-- Each history, and up to which position of a log those that followed it are the same; null for the last one.
select case when h.number > 1 then h.history_id end as history_id,
       (select min(head) from history_heads x where x.tenant_id = :tenant_id and x.number > h.number) as head
  from histories h order by h.number;
