-- name: notice_history()
select notice_history();

-- name: begin_history()
select begin_history();
