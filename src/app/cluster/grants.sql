-- What the role that serves may do beside `grants.sql` where tables are distributed: what functions do elsewhere with
-- the rights of their owner it does itself there, within one transaction with the events (see log.sql). It can add
-- to these tables and can't change them, as with `events`. A row is locked by who may update it.
grant insert, update on log_turns to {service};
grant insert on logs, leaf_runs, conflicts to {service};
grant execute on function roundbook.hold_log(int) to {service};
