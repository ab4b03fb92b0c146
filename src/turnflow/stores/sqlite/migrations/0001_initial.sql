-- Runs: rows of 1 to 2 KB that are rewritten in place, hence a table with row ids (WITHOUT ROWID would overflow at 1 KB).
CREATE TABLE runs (
    run TEXT NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,
    status TEXT NOT NULL,
    updated INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    mailbox TEXT NOT NULL,
    partition INTEGER NOT NULL,
    flow TEXT NOT NULL,
    version INTEGER NOT NULL,
    live_key TEXT,
    parent TEXT,
    state BLOB NOT NULL
);
CREATE INDEX runs_by_mailbox ON runs (mailbox, ended, run);
CREATE UNIQUE INDEX runs_by_live_key ON runs (live_key) WHERE live_key <> '';
CREATE INDEX runs_by_parent ON runs (parent, run) WHERE parent IS NOT NULL;
CREATE INDEX runs_by_flow ON runs (flow, run);
CREATE INDEX runs_rare ON runs (status, run) WHERE status IN ('running', 'stuck', 'blocked');

-- All that is only ever added: what was said to a place (run '', idx -1), what was said there (run '', idx 0, 1, ...), and the
-- journal of its runs (seq is the revision, idx 0). One table with row ids, so that the rows of a turn, and of all turns
-- committed together, go to the same few pages at its end, and with neighbours in one index. Pages written are what a commit costs.
-- status of an entry: waiting, consumed; of a reply: pending, sending, sent, dead; of a journal entry: ''.
CREATE TABLE log (
    place TEXT NOT NULL,
    run TEXT NOT NULL,
    seq INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    at INTEGER NOT NULL,
    id TEXT NOT NULL,
    external TEXT NOT NULL,
    doubtful INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (place, run, seq, idx)
);
CREATE UNIQUE INDEX log_by_id ON log (id) WHERE idx = -1;
CREATE INDEX log_waiting ON log (partition, place, seq) WHERE status = 'waiting';
CREATE INDEX log_unsent ON log (partition, place, seq, idx) WHERE status IN ('pending', 'sending');

CREATE TABLE timers (
    run TEXT NOT NULL,
    timer TEXT NOT NULL,
    mailbox TEXT NOT NULL,
    partition INTEGER NOT NULL,
    due INTEGER NOT NULL,
    PRIMARY KEY (run, timer)
) WITHOUT ROWID;
CREATE INDEX timers_by_due ON timers (due, partition);

CREATE TABLE results (
    run TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (run, key)
) WITHOUT ROWID;

CREATE TABLE definitions (
    number INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    flow TEXT NOT NULL,
    version INTEGER NOT NULL,
    document BLOB NOT NULL
);
CREATE INDEX definitions_by_flow ON definitions (flow, version, number);

-- holder: NULL once it was given back. expires: milliseconds since 1970. life: the holder's sign of life (lifeline.py).
CREATE TABLE partitions (
    partition INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    holder TEXT,
    expires INTEGER NOT NULL,
    life TEXT NOT NULL
);
