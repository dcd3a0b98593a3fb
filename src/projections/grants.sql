-- What the role that serves may do with what was set for the read models. The tables of the read models themselves
-- are listed in their registry.
grant insert on day_rules to {service};
