-- name: log_keys(tenant_id, log_number)
select number, vkey, from_size, note, revoked, added_at from log_keys
 where tenant_id = :tenant_id and log_number = :log_number order by number;

-- name: add_log_key(tenant_id, log_number, number, vkey, from_size, note, revoked, added_at)!
insert into log_keys (tenant_id, log_number, number, vkey, from_size, note, revoked, added_at)
values (:tenant_id, :log_number, :number, :vkey, :from_size, :note, :revoked, :added_at);
