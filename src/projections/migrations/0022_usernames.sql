-- Code that knows step 0012 goes on.
-- username_folded: the username case-folded, whatever the server's locale; null where there is none or an empty one.
alter table roundbook.players add column username_folded text collate "C";

-- Who begins with a text is found here in the order of names, however many do.
create index players_by_username on roundbook.players (tenant_id, generation, left(username_folded, 255), player_id)
    where username_folded is not null;
