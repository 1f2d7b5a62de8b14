PRAGMA user_version = 2;

-- The replies of a thread, and the newest of all threads in a room.
CREATE INDEX message_thread ON message (thread, seq, author, deleted) WHERE thread IS NOT NULL;
CREATE INDEX message_threads ON message (room, seq, thread, author, deleted) WHERE thread IS NOT NULL;

-- What is said in a thread is unread there, and not in the room.
DROP INDEX message_unread;
CREATE INDEX message_unread ON message (room, seq, author, thread)
    WHERE deleted = 0 AND thread IS NULL;

-- Client only: how far the person has read a thread.
CREATE TABLE thread_mark (
    thread BLOB    NOT NULL PRIMARY KEY,       -- its first message
    room   BLOB    NOT NULL,
    read   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Client only: what the person has chosen for a room.
CREATE TABLE choice (
    room        BLOB NOT NULL PRIMARY KEY,
    level       TEXT NOT NULL CHECK (level IN ('everything', 'mentions', 'nothing')),
    unread_from INTEGER,                       -- marked unread from this seq on
    forget      INTEGER NOT NULL               -- what is kept of it goes once it is closed
) STRICT, WITHOUT ROWID;
