"""The SQL of the log, from the file beside this one."""

from postgres.statements import Statement, Statements


class Sql(Statements):
    """Reading and writing a tenant's log, its register of conflicts and its snapshots."""

    lock_log: Statement
    heads: Statement
    where_log_goes_on: Statement
    begin_log: Statement
    recorded_by_key: Statement
    state_at: Statement
    stream_heads: Statement
    last_version: Statement
    position_of_version: Statement
    heads_since: Statement
    copy_events: Statement
    add_leaf_run: Statement
    known_conflicts: Statement
    register_conflict: Statement
    select_stream: Statement
    select_stream_backwards: Statement
    select_log: Statement
    select_log_of_topics: Statement
    insert_snapshot: Statement
    share_snapshots: Statement
    replace_snapshot: Statement
    select_snapshots: Statement
    select_snapshots_backwards: Statement


SQL = Sql(__file__)
