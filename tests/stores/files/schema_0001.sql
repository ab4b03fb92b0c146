-- A file as Turnflow wrote it with schema 1. Never edited: code of today must read it.
PRAGMA application_id = 1413893207;
PRAGMA user_version = 1;
BEGIN;
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
CREATE TABLE timers (
    run TEXT NOT NULL,
    timer TEXT NOT NULL,
    mailbox TEXT NOT NULL,
    partition INTEGER NOT NULL,
    due INTEGER NOT NULL,
    PRIMARY KEY (run, timer)
) WITHOUT ROWID;
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
CREATE TABLE partitions (
    partition INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    holder TEXT,
    expires INTEGER NOT NULL,
    life TEXT NOT NULL
);
CREATE INDEX runs_by_mailbox ON runs (mailbox, ended, run);
CREATE UNIQUE INDEX runs_by_live_key ON runs (live_key) WHERE live_key <> '';
CREATE INDEX runs_by_parent ON runs (parent, run) WHERE parent IS NOT NULL;
CREATE INDEX runs_by_flow ON runs (flow, run);
CREATE INDEX runs_rare ON runs (status, run) WHERE status IN ('running', 'stuck', 'blocked');
CREATE UNIQUE INDEX log_by_id ON log (id) WHERE idx = -1;
CREATE INDEX log_waiting ON log (partition, place, seq) WHERE status = 'waiting';
CREATE INDEX log_unsent ON log (partition, place, seq, idx) WHERE status IN ('pending', 'sending');
CREATE INDEX timers_by_due ON timers (due, partition);
CREATE INDEX definitions_by_flow ON definitions (flow, version, number);
INSERT INTO runs VALUES ('old', 1, 'waiting', 1, 0, 'old', 37, 'signup', 1, 'old', NULL, X'73746174652031');
INSERT INTO runs VALUES ('new', 1, 'waiting', 1, 0, 'new', 5, 'signup', 1, 'new', NULL, X'73746174652031');
INSERT INTO log VALUES ('old', '', 1, -1, 'consumed', 0, 37, 1, 'old:1', '', 0, X'696E707574');
INSERT INTO log VALUES ('old', '', 1, 0, 'sent', 1, 37, 1, 'old/1.0', '42', 0, X'7265706C79');
INSERT INTO log VALUES ('old', 'old', 1, 0, '', 0, 0, 1, '', '', 0, X'656E747279');
INSERT INTO log VALUES ('elsewhere', '', 1, -1, 'waiting', 0, 53, 1, 'old:forward', '', 0, X'696E707574');
INSERT INTO log VALUES ('new', '', 1, -1, 'consumed', 0, 5, 1, 'new:1', '', 0, X'696E707574');
INSERT INTO log VALUES ('new', '', 1, 0, 'sending', 0, 5, 1, 'new/1.0', '', 0, X'7265706C79');
INSERT INTO log VALUES ('new', 'new', 1, 0, '', 0, 0, 1, '', '', 0, X'656E747279');
INSERT INTO log VALUES ('elsewhere', '', 2, -1, 'waiting', 0, 53, 1, 'new:forward', '', 0, X'696E707574');
INSERT INTO log VALUES ('old', '', 2, -1, 'waiting', 0, 37, 1, 'waits', '', 0, X'696E707574');
INSERT INTO timers VALUES ('new', 't', 'new', 5, 5);
INSERT INTO timers VALUES ('old', 't', 'old', 37, 5);
INSERT INTO results VALUES ('new', 'k', X'76');
INSERT INTO results VALUES ('old', 'k', X'76');
INSERT INTO definitions VALUES (1, 'old', 'signup', 1, X'6F6C64');
INSERT INTO definitions VALUES (2, 'new', 'signup', 1, X'6E6577');
INSERT INTO partitions VALUES (0, 1, 'first', 1795455477531, 'df0426b083a25578');
COMMIT;
