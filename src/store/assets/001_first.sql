-- Tokens are never deleted, so that an id means the same for ever.
CREATE TABLE token (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL,
    hash        BLOB    NOT NULL UNIQUE,    -- SHA-256 of the token's text
    rights      TEXT    NOT NULL,           -- words, see rights.h
    created_at  INTEGER NOT NULL,           -- all times: milliseconds since 1970, UTC
    used_at     INTEGER NOT NULL,           -- 0: never
    expires_at  INTEGER NOT NULL,           -- 0: never
    revoked_at  INTEGER NOT NULL            -- 0: not
) STRICT;

CREATE TABLE reservation (
    entry       TEXT    PRIMARY KEY,        -- "blog.t.example.com", ":6000"
    token_id    INTEGER NOT NULL,           -- 0: the agent itself is the owner
    agent_id    BLOB    NOT NULL,
    tunnel      TEXT    NOT NULL,
    holder      TEXT    NOT NULL,
    expires_at  INTEGER NOT NULL            -- 0: held by a link when it was written
) STRICT, WITHOUT ROWID;
