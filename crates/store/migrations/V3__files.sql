PRAGMA user_version = 3;

-- Follows from the log: which messages (and profiles) name a file, by its BLAKE3 hash.
CREATE TABLE named (
    blake3 BLOB NOT NULL CHECK (length(blake3) = 32),
    room   BLOB NOT NULL,
    event  BLOB NOT NULL,
    PRIMARY KEY (blake3, room, event)
) STRICT, WITHOUT ROWID;

CREATE INDEX named_event ON named (event);
CREATE INDEX named_room ON named (room);

-- Node only: the files that are whole and on its disk.
CREATE TABLE file (
    blake3    BLOB    NOT NULL PRIMARY KEY CHECK (length(blake3) = 32),
    bytes     INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT, WITHOUT ROWID;

-- Node only: who has uploaded which of them.
CREATE TABLE uploader (
    member BLOB    NOT NULL,
    blake3 BLOB    NOT NULL REFERENCES file (blake3) ON DELETE CASCADE,
    at     INTEGER NOT NULL,                   -- milliseconds since 1970: the last time
    PRIMARY KEY (member, blake3)
) STRICT, WITHOUT ROWID;

CREATE INDEX uploader_file ON uploader (blake3);

-- Node only: uploads under way, and for a while those that are whole. How far one is, the length
-- of its file tells.
CREATE TABLE upload (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    member     BLOB    NOT NULL,
    bytes      INTEGER NOT NULL CHECK (bytes >= 0),
    announced  BLOB    CHECK (length(announced) = 32),
    blake3     BLOB    CHECK (length(blake3) = 32), -- once it is whole
    begun_at   INTEGER NOT NULL                -- milliseconds since 1970
) STRICT, WITHOUT ROWID;

CREATE INDEX upload_member ON upload (member);

-- Client only: files whose bytes are on this device, whole.
CREATE TABLE local_file (
    blake3 BLOB    NOT NULL PRIMARY KEY CHECK (length(blake3) = 32),
    bytes  INTEGER NOT NULL CHECK (bytes >= 0),
    type   TEXT    NOT NULL                    -- as the bytes say
) STRICT, WITHOUT ROWID;

-- Client only: what is attached to a draft.
CREATE TABLE attachment (
    id       BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    room     BLOB    NOT NULL,
    thread   BLOB,                             -- the first message of the thread
    position INTEGER NOT NULL,
    blake3   BLOB    NOT NULL CHECK (length(blake3) = 32),
    file     TEXT    NOT NULL                  -- JSON, as a message names it
) STRICT, WITHOUT ROWID;

CREATE INDEX attachment_room ON attachment (room, position);

-- Client only: files on their way. An upload is for an event in the outbox and stays until that
-- is settled; a download goes once the file is here.
CREATE TABLE transfer (
    id       BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    position INTEGER NOT NULL,
    room     BLOB    NOT NULL,
    event    BLOB    NOT NULL,
    blake3   BLOB    NOT NULL CHECK (length(blake3) = 32),
    bytes    INTEGER NOT NULL CHECK (bytes >= 0),
    way      TEXT    NOT NULL CHECK (way IN ('up', 'down')),
    state    TEXT    NOT NULL CHECK (state IN ('waiting', 'paused', 'failed', 'done')),
    done     INTEGER NOT NULL,                 -- bytes that are over, as far as known
    url      TEXT,                             -- of an upload, where the node takes it
    words    TEXT,                             -- why it has failed
    UNIQUE (event, blake3, way)
) STRICT, WITHOUT ROWID;

CREATE INDEX transfer_room ON transfer (room);
