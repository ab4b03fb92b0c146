-- Waits of runs for events. head: what the pattern is found by (turnflow.core.topics): a topic, or a stem and `*`.
CREATE TABLE subscriptions (
    run TEXT NOT NULL,
    key TEXT NOT NULL,
    mailbox TEXT NOT NULL,
    head TEXT NOT NULL,
    correlation TEXT NOT NULL,
    topic TEXT NOT NULL,
    PRIMARY KEY (run, key)
) WITHOUT ROWID;
CREATE INDEX subscriptions_by_head ON subscriptions (head, correlation);

-- Events, only ever added; number is the order of writing.
CREATE TABLE events (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    topic TEXT NOT NULL,
    correlation TEXT NOT NULL,
    at INTEGER NOT NULL,
    payload BLOB NOT NULL
);
CREATE INDEX events_by_topic ON events (topic, at);
CREATE INDEX events_by_key ON events (correlation, topic, at) WHERE correlation <> '';
CREATE INDEX events_by_time ON events (at);
