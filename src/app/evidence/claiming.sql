-- name: begin_sealing(tenant_id)!
insert into sealing (tenant_id) values (:tenant_id) on conflict do nothing;

-- name: claim(tenant_id)
-- Held until the transaction ends; nothing comes back while another holds it.
select failure, finding from sealing where tenant_id = :tenant_id for update skip locked;

-- name: wait_for_claim(tenant_id)
select tenant_id from sealing where tenant_id = :tenant_id for update;
