PRAGMA user_version = 5;

-- Who was mentioned where: what others are mentioned in is not walked through to count one's own.
CREATE INDEX mention_of ON mention (room, member, seq);
