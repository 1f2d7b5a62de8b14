PRAGMA user_version = 4;

-- Client only: what was typed in a thread and not sent.
CREATE TABLE thread_draft (
    thread   BLOB    NOT NULL PRIMARY KEY,     -- its first message
    room     BLOB    NOT NULL,
    text     TEXT    NOT NULL,
    position INTEGER NOT NULL                  -- rises with each change: the lowest goes first
) STRICT, WITHOUT ROWID;

CREATE INDEX thread_draft_room ON thread_draft (room);
CREATE INDEX thread_draft_position ON thread_draft (position);
