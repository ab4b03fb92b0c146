-- The four rows of a turn, as plain as they can be.
CREATE TABLE state (run TEXT PRIMARY KEY, revision INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE journal (run TEXT, revision INTEGER, entry BLOB NOT NULL, PRIMARY KEY (run, revision)) WITHOUT ROWID;
CREATE TABLE inbox (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, conversation TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE outbox (seq INTEGER PRIMARY KEY, conversation TEXT NOT NULL, body BLOB NOT NULL);
