-- Since which step code can go on with a schema that has this one; null: code must know the step itself.
-- A step says so in its first line, and code that doesn't know it looks here.
alter table roundbook.migrations add column compatible_since int;
