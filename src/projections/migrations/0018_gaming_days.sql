-- Code that knows step 0012 goes on.
-- When a tenant's days begin: of each tenant the row with the greatest number says it, none means midnight in UTC.
-- A generation of read models names the number of its rule among its versions; code that knows no rules leaves it to
-- others then.
create table roundbook.day_rules (
    tenant_id        int not null,
    number           int not null,
    time_zone        text collate "C" not null,
    starts_at_minute int not null check (starts_at_minute between 0 and 1439),
    set_at           timestamptz not null,
    primary key (tenant_id, number)
);

create trigger append_only before update or truncate on roundbook.day_rules
    for each statement execute function roundbook.refuse_change();
create trigger goes_with_its_tenant after delete on roundbook.day_rules
    referencing old table as gone for each statement execute function roundbook.refuse_all_but_removal();

-- last_position: where the last event of the period stands in the log, by which it is found what came late.
alter table roundbook.balance_periods add column last_position bigint;
-- For reports on all players: what moved on some days.
create index balance_days on roundbook.balance_periods (tenant_id, generation, period, player_id, currency)
    where is_day;
