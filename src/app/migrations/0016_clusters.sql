-- Code that knows step 0012 goes on.
-- What buckets go by, in functions, as on a cluster what changes a row by a conflict may call none that is not marked
-- immutable: there the clock is marked so, too (see app/cluster), and is read by the node that has the row.
create function roundbook.bucket_clock() returns timestamptz language sql volatile as 'select clock_timestamp()';

-- Whatever the time zone, as microseconds are no days.
create function roundbook.later(moment timestamptz, micros bigint) returns timestamptz
    language plpgsql immutable strict as $$
begin
    return moment + micros * interval '1 microsecond';
end
$$;
