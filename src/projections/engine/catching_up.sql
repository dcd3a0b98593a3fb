-- name: live_versions(tenant_id)^
-- What queries read, how far it is, and by which code it is built.
select generation, position, versions from tracking where tenant_id = :tenant_id and live;
