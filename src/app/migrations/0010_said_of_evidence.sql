-- What is said of a tenant's evidence beside why nothing is signed: why the heads of its log can't be stated, and
-- what was found of its log when read models were made of it all the same (`roundbook rebuild --anyway`).
alter table sealing add column unstated text;
alter table sealing add column unstated_at timestamptz;
alter table sealing add column rebuilt_anyway text;
alter table sealing add column rebuilt_anyway_at timestamptz;
