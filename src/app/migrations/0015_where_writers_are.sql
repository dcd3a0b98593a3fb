-- Code that knows step 0012 goes on.
-- Who writes looks first where the log is: a server may have failed over, or been restored, the moment before. So
-- nothing is written in a new place before its history begins, and what both histories agree on ends where it must.
create or replace function roundbook.lock_log(of_tenant int)
    returns table (head bigint, recorded_at timestamptz, number int, log_id bytea)
    language plpgsql security definer set search_path = roundbook, pg_temp as $$
begin
    perform from tenants t where t.tenant_id = of_tenant for no key update;
    if not found then
        return;
    end if;
    perform notice_history();
    -- A statement of its own, so that it sees what was committed while the lock was waited for.
    return query
    select h.head, greatest(h.recorded_at, clock_timestamp()), h.number, h.log_id from log_head(of_tenant) h;
end
$$;
