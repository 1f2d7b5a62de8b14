PRAGMA user_version = 6;

-- What an event that waits is about: the message that it changes, or that began the thread it is
-- said in; and the message that it answers. By these it is found when that message is shown, or
-- comes. They follow from the content, so that nobody has to keep them.
ALTER TABLE outbox ADD COLUMN about BLOB GENERATED ALWAYS AS (
    unhex(replace(coalesce(content ->> '$.thread', content ->> '$.target'), '-', ''))) VIRTUAL;
ALTER TABLE outbox ADD COLUMN answers BLOB GENERATED ALWAYS AS (
    unhex(replace(content ->> '$.reply_to', '-', ''))) VIRTUAL;

CREATE INDEX outbox_about ON outbox (about, position) WHERE about IS NOT NULL;
CREATE INDEX outbox_answers ON outbox (answers) WHERE answers IS NOT NULL;

-- How many wait, and whether any has failed, without a look at what they say.
CREATE INDEX outbox_state ON outbox (room, state);
