-- name: note_key_use(key_id)
select roundbook.note_key_use(:key_id);
