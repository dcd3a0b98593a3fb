-- name: begin_snapshot()!
-- The live generation, its position and the rows of a query come from one moment. Not one statement:
-- the planner should know the generation while it chooses an index.
begin isolation level repeatable read read only;
