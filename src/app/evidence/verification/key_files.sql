-- name: signed_without_entry(tenant_id, log_number, vkey, line)
-- Whether a checkpoint has a signature whose line begins so, and the key of it is not entered.
select exists (
           select from checkpoints
            where tenant_id = :tenant_id and log_number = :log_number and tree = 'log'
              and strpos(note, :line) > 0)
   and not exists (
           select from log_keys
            where tenant_id = :tenant_id and log_number = :log_number and vkey = :vkey);
