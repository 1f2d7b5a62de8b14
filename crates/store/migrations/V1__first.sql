-- What a careful program looks at before it touches the file: 'LAND', and the version of these
-- tables. Every migration sets its own.
PRAGMA application_id = 1279348292;
PRAGMA user_version = 1;

-- The truth: what was accepted, byte for byte. All but `content` and `dropped` never changes.
CREATE TABLE event (
    ref         INTEGER PRIMARY KEY,           -- the order of arrival here; means nothing elsewhere
    room        BLOB    NOT NULL CHECK (length(room) = 16),
    seq         INTEGER NOT NULL CHECK (seq > 0),
    id          BLOB    NOT NULL CHECK (length(id) = 16),
    author      BLOB    NOT NULL CHECK (length(author) = 32),
    sent_at     INTEGER NOT NULL,              -- milliseconds since 1970, the author's clock
    accepted_at INTEGER NOT NULL,              -- milliseconds since 1970, the node's clock
    type        TEXT    NOT NULL,              -- 'unknown' where this version does not know it
    target      BLOB,                          -- the event that an edit, delete, … is about
    content     TEXT    NOT NULL,              -- JSON as it arrived, or what is left after a delete
    sig         TEXT,
    dropped     BLOB,                          -- SHA-256 (RFC 8785 form) of a content that was dropped
    UNIQUE (room, seq),
    UNIQUE (id)
) STRICT;

CREATE INDEX event_target ON event (target, type, seq) WHERE target IS NOT NULL;

-- The lines of a timeline: messages, and what the room itself tells.
CREATE INDEX event_line ON event (room, seq)
    WHERE type IN ('message', 'room_created', 'room_changed', 'joined', 'left', 'invited', 'removed');

-- Up to which `ref` the tables below follow from the log.
CREATE TABLE applied (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    ref INTEGER NOT NULL
) STRICT;
INSERT INTO applied (one, ref) VALUES (1, 0);

-- ---------------------------------------------------------------------------------------------
-- What follows from the log. `…_seq` is the event that set the column beside it: the highest wins,
-- in whatever order they come. 0: none yet.

CREATE TABLE message (
    docid         INTEGER PRIMARY KEY,         -- rises with accepted_at: newest first is docid falling
    room          BLOB    NOT NULL,
    seq           INTEGER NOT NULL,
    author        BLOB    NOT NULL,
    text          TEXT    NOT NULL,            -- as it reads now; '' where deleted
    edited        INTEGER NOT NULL,
    deleted       INTEGER NOT NULL,
    pinned        INTEGER NOT NULL,
    reply_to      BLOB,
    thread        BLOB,
    mentions      TEXT,                        -- JSON array, as in the last edit; NULL: none
    files         TEXT,                        -- JSON array; NULL: none
    imported_name TEXT,
    imported_at   INTEGER,
    UNIQUE (room, seq)
) STRICT;

CREATE INDEX message_unread ON message (room, seq, author) WHERE deleted = 0;
CREATE INDEX message_pinned ON message (room, seq) WHERE pinned = 1;

CREATE TABLE mention (
    room   BLOB    NOT NULL,
    seq    INTEGER NOT NULL,
    member BLOB    NOT NULL,                   -- empty: everybody in the room
    PRIMARY KEY (room, seq, member)
) STRICT, WITHOUT ROWID;

CREATE TABLE reaction (
    room   BLOB    NOT NULL,
    target BLOB    NOT NULL,
    member BLOB    NOT NULL,
    emoji  TEXT    NOT NULL,
    is_on  INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    PRIMARY KEY (target, member, emoji)
) STRICT, WITHOUT ROWID;

CREATE TABLE room (
    room         BLOB    NOT NULL PRIMARY KEY,
    kind         TEXT,                         -- NULL until `room_created` is here
    everyone     INTEGER NOT NULL DEFAULT 0,
    creator      BLOB,
    name         TEXT    NOT NULL DEFAULT '',
    name_seq     INTEGER NOT NULL DEFAULT 0,
    topic        TEXT    NOT NULL DEFAULT '',
    topic_seq    INTEGER NOT NULL DEFAULT 0,
    archived     INTEGER NOT NULL DEFAULT 0,
    archived_seq INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Who is in a room by its log. In the directory: who is in the space.
CREATE TABLE member (
    room    BLOB    NOT NULL,
    member  BLOB    NOT NULL,
    present INTEGER NOT NULL,
    removed INTEGER NOT NULL,                  -- comes back by invitation only
    seq     INTEGER NOT NULL,
    PRIMARY KEY (room, member)
) STRICT, WITHOUT ROWID;

CREATE INDEX member_rooms ON member (member, room) WHERE present = 1;

CREATE TABLE person (
    space       BLOB    NOT NULL,
    member      BLOB    NOT NULL,
    name        TEXT    NOT NULL DEFAULT '',
    name_seq    INTEGER NOT NULL DEFAULT 0,
    role        TEXT    NOT NULL DEFAULT 'guest',
    role_seq    INTEGER NOT NULL DEFAULT 0,
    muted_until INTEGER NOT NULL DEFAULT 0,
    muted_until_seq INTEGER NOT NULL DEFAULT 0,
    banned      INTEGER NOT NULL DEFAULT 0,
    banned_seq  INTEGER NOT NULL DEFAULT 0,
    about       TEXT    NOT NULL DEFAULT '',
    about_seq   INTEGER NOT NULL DEFAULT 0,
    avatar      TEXT    NOT NULL DEFAULT '',
    avatar_seq  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (space, member)
) STRICT, WITHOUT ROWID;

CREATE TABLE space (
    space              BLOB    NOT NULL PRIMARY KEY,
    name               TEXT    NOT NULL DEFAULT '',
    name_seq           INTEGER NOT NULL DEFAULT 0,
    admission          TEXT    NOT NULL DEFAULT 'open',
    admission_seq      INTEGER NOT NULL DEFAULT 0,
    max_file_bytes     INTEGER,                -- NULL: the protocol's
    max_file_bytes_seq INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Words of messages. Diacritics are removed: "cafe" finds "café". Kept by the code that writes
-- `message` and not by triggers: a statement with a trigger opens a savepoint, at which FTS5 writes
-- out what it has gathered, and a thousand messages would be a thousand little indexes to merge.
CREATE VIRTUAL TABLE message_fts USING fts5 (
    text,
    content = 'message',
    content_rowid = 'docid',
    columnsize = 0,
    tokenize = 'unicode61 remove_diacritics 2'
);
-- A deleted message leaves no words behind in the index.
INSERT INTO message_fts (message_fts, rank) VALUES ('secure-delete', 1);

-- ---------------------------------------------------------------------------------------------
-- What does not follow from the log.

-- How far each member has received and read each room. Never falls, but for a fork.
CREATE TABLE mark (
    room      BLOB    NOT NULL,
    member    BLOB    NOT NULL,
    delivered INTEGER NOT NULL,
    read      INTEGER NOT NULL,
    PRIMARY KEY (room, member)
) STRICT, WITHOUT ROWID;

CREATE TABLE setting (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL                        -- JSON
) STRICT, WITHOUT ROWID;

-- Client only: which parts of a log are here. Never touching, never overlapping.
CREATE TABLE segment (
    room     BLOB    NOT NULL,
    from_seq INTEGER NOT NULL CHECK (from_seq > 0),
    to_seq   INTEGER NOT NULL CHECK (to_seq >= from_seq),
    PRIMARY KEY (room, from_seq)
) STRICT, WITHOUT ROWID;

-- Client only: what the node last said of a room.
CREATE TABLE listing (
    room BLOB    NOT NULL PRIMARY KEY,
    open INTEGER NOT NULL,                     -- one is a member
    info TEXT    NOT NULL                      -- JSON, as in the node's answer
) STRICT, WITHOUT ROWID;

-- Client only: events that the node has not accepted yet, in the order written.
CREATE TABLE outbox (
    id       BLOB    NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL UNIQUE,
    room     BLOB    NOT NULL,
    sent_at  INTEGER NOT NULL,
    content  TEXT    NOT NULL,
    sig      TEXT,
    state    TEXT    NOT NULL CHECK (state IN ('queued', 'unsettled', 'held', 'failed')),
    code     TEXT,                             -- of the refusal, where failed
    message  TEXT,
    tries    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX outbox_room ON outbox (room, position);

-- `id` can't be accepted before `needs` is. Both are in the outbox.
CREATE TABLE outbox_need (
    id    BLOB NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
    needs BLOB NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
    PRIMARY KEY (id, needs)
) STRICT, WITHOUT ROWID;

CREATE INDEX outbox_needed ON outbox_need (needs);

-- Client only: what was typed and not sent.
CREATE TABLE draft (
    room BLOB NOT NULL PRIMARY KEY,
    text TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Node only: bearer tokens for HTTP, by their hash.
CREATE TABLE session (
    token_hash BLOB    NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),
    member     BLOB    NOT NULL,
    expires_at INTEGER NOT NULL                -- milliseconds since 1970
) STRICT, WITHOUT ROWID;

CREATE INDEX session_member ON session (member);
