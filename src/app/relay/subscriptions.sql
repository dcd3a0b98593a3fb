-- name: add_subscription(tenant_id, name, kind, target, events, position, now)^
insert into roundbook.subscriptions (tenant_id, name, kind, target, events, position, created_at)
values (:tenant_id, :name, :kind, :target, :events::text[], :position, :now)
    on conflict (tenant_id, name) do nothing
returning name;

-- name: list_subscriptions(tenant_id)
select s.name, s.kind, s.target, s.events, s.position, s.created_at, s.paused_at, s.pause_reason, s.failures, s.failure,
       s.failed_at, s.not_before, s.delivered, s.failed,
       coalesce((select max(position) from roundbook.events where tenant_id = :tenant_id), 0) as head
  from roundbook.subscriptions s where s.tenant_id = :tenant_id order by s.name;

-- name: pause(tenant_id, name, reason)^
-- Whoever sends finds that it is no longer its to send. The first reason stays.
update roundbook.subscriptions set paused_at = now(), pause_reason = :reason, sender = null
 where tenant_id = :tenant_id and name = :name and paused_at is null
returning name;

-- name: resume(tenant_id, name)^
update roundbook.subscriptions
   set paused_at = null, pause_reason = null, failures = 0, not_before = null
 where tenant_id = :tenant_id and name = :name and (paused_at is not null or not_before is not null)
returning name;

-- name: set_position(tenant_id, name, position)^
update roundbook.subscriptions
   set position = :position, sender = null, failures = 0, not_before = null
 where tenant_id = :tenant_id and name = :name
returning name;

-- name: remove_subscription(tenant_id, name)^
delete from roundbook.subscriptions where tenant_id = :tenant_id and name = :name returning kind;

-- name: how_subscriptions_are()
-- Of each how far it is from the head of its log, and what was counted.
select t.name as tenant, s.name, s.paused_at is not null as paused, s.failures > 0 as failing,
       greatest(coalesce(h.head, 0) - s.position, 0) as lag, s.delivered, s.failed
  from roundbook.subscriptions s
  join roundbook.tenants t on t.tenant_id = s.tenant_id
 cross join lateral (select max(position) as head from roundbook.events where tenant_id = s.tenant_id) h
 order by t.name, s.name;
