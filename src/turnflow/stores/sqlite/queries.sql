-- name: epoch
SELECT epoch FROM partitions WHERE partition = ?

-- name: add_line
INSERT INTO log (place, run, seq, idx, status, attempts, partition, at, id, external, doubtful, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: line_exists
SELECT 1 FROM log WHERE place = ? AND run = '' AND seq = ? AND idx = ?

-- name: append
INSERT INTO log (place, run, seq, idx, status, attempts, partition, at, id, external, doubtful, payload)
VALUES (
    ?1, '', 1 + coalesce((SELECT seq FROM log WHERE place = ?1 AND run = '' AND idx = -1 ORDER BY seq DESC LIMIT 1), 0), -1,
    ?2, ?3, ?4, ?5, ?6, '', 0, ?7
)
ON CONFLICT (id) WHERE idx = -1 DO NOTHING
RETURNING seq

-- name: forward
INSERT INTO log (place, run, seq, idx, status, attempts, partition, at, id, external, doubtful, payload)
VALUES (
    ?1, '', 1 + coalesce((SELECT seq FROM log WHERE place = ?1 AND run = '' AND idx = -1 ORDER BY seq DESC LIMIT 1), 0), -1,
    ?2, ?3, ?4, ?5, ?6, '', 0, ?7
)
ON CONFLICT (id) WHERE idx = -1 DO NOTHING

-- name: fate
SELECT status FROM log WHERE id = ? AND idx = -1

-- name: run_exists
SELECT 1 FROM runs WHERE run = ?

-- name: consume
UPDATE log SET status = 'consumed' WHERE place = ? AND run = '' AND seq = ? AND idx = -1

-- name: retake
UPDATE log SET attempts = attempts + 1 WHERE place = ? AND run = '' AND seq = ? AND idx = -1

-- name: create_run
INSERT INTO runs (run, revision, status, updated, ended, mailbox, partition, flow, version, live_key, parent, state)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- The everyday update: nothing that an index covers changes, so only the row is rewritten.
-- name: advance_run
UPDATE runs SET revision = ?1, status = ?2, updated = ?3, version = ?4, state = ?5
WHERE run = ?6 AND revision = ?1 - 1 AND ended = 0 AND live_key IS ?7 AND mailbox = ?8 AND flow = ?9 AND parent IS ?10

-- name: rewrite_run
UPDATE runs SET
    revision = ?1, status = ?2, updated = ?3, version = ?4, state = ?5,
    live_key = ?7, flow = ?9, parent = ?10, ended = ?11
WHERE run = ?6 AND revision = ?1 - 1 AND mailbox = ?8

-- Before the runs of one commit are rewritten, so that the order in which keys pass between them does not matter.
-- name: free_key
UPDATE runs SET live_key = NULL WHERE run = ?

-- name: quarantine
UPDATE runs SET status = 'stuck', ended = 0 WHERE run = ?

-- name: confirm
UPDATE log SET status = ?, external = ?, attempts = ?, doubtful = ? WHERE place = ? AND run = '' AND seq = ? AND idx = ?

-- name: set_timer
INSERT INTO timers (run, timer, mailbox, partition, due) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (run, timer) DO UPDATE SET mailbox = excluded.mailbox, partition = excluded.partition, due = excluded.due

-- name: clear_timer
DELETE FROM timers WHERE run = ? AND timer = ?

-- name: keep_result
INSERT INTO results (run, key, value) VALUES (?, ?, ?)

-- name: define
INSERT INTO definitions (digest, flow, version, document) VALUES (?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING

-- name: unsubscribe
DELETE FROM subscriptions WHERE run = ? AND key = ?

-- name: subscribe
INSERT INTO subscriptions (run, key, mailbox, head, correlation, topic) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (run, key) DO UPDATE
SET mailbox = excluded.mailbox, head = excluded.head, correlation = excluded.correlation, topic = excluded.topic

-- name: publish
INSERT INTO events (id, topic, correlation, at, payload) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING

-- name: load_seq
SELECT seq FROM log WHERE place = ? AND run = '' AND idx = -1 ORDER BY seq DESC LIMIT 1

-- name: load_runs
SELECT run, mailbox, revision, status, flow, version, live_key, parent, state, updated
FROM runs WHERE mailbox = ? AND ended = 0 ORDER BY run

-- name: load_waiting
SELECT place, seq, id, payload, at, 0, attempts FROM log
WHERE status = 'waiting' AND partition = ? AND place = ? ORDER BY seq

-- name: results
SELECT run, key, value FROM results WHERE run = ? AND key >= ? ORDER BY key

-- name: journal
SELECT run, seq, payload, at FROM log
WHERE place = (SELECT mailbox FROM runs WHERE run = ?1) AND run = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3

-- name: history
SELECT seq, idx, payload, at, iif(idx < 0, 'received', status), id, doubtful FROM log
WHERE place = ?1 AND run = '' AND (seq, idx) > (?2, ?3) ORDER BY seq, idx LIMIT ?4

-- name: newest_history
SELECT seq, idx, payload, at, iif(idx < 0, 'received', status), id, doubtful FROM log
WHERE place = ?1 AND run = '' AND (seq, idx) > (?2, ?3) ORDER BY seq DESC, idx DESC LIMIT ?4

-- name: definition
SELECT document FROM definitions WHERE flow = ?1 AND version = ?2 AND ?3 IN ('', digest) ORDER BY number DESC LIMIT 1

-- name: timers
SELECT run, timer, mailbox, due FROM timers WHERE run >= ? ORDER BY run, timer

-- name: due_timers
SELECT run, timer, mailbox, due FROM timers
WHERE due < :before AND partition IN (SELECT value FROM json_each(:partitions)) ORDER BY due LIMIT :limit

-- name: due_entries
SELECT DISTINCT place FROM log WHERE status = 'waiting' AND partition = ? LIMIT ?

-- name: due_runs
SELECT mailbox FROM runs INDEXED BY runs_rare
WHERE status IN ('running', 'stuck', 'blocked') AND status = 'running'
    AND partition IN (SELECT value FROM json_each(:partitions)) LIMIT :limit

-- name: due_replies
SELECT place, seq, idx, id, payload, at, status, attempts, external, doubtful FROM log
WHERE status IN ('pending', 'sending') AND partition = ? ORDER BY place, seq, idx LIMIT ?

-- name: lease_of
SELECT epoch, holder, expires, life FROM partitions WHERE partition = ?

-- name: lease
INSERT INTO partitions (partition, epoch, holder, expires, life) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (partition) DO UPDATE
SET epoch = excluded.epoch, holder = excluded.holder, expires = excluded.expires, life = excluded.life

-- name: renew
UPDATE partitions SET expires = ? WHERE holder = ? RETURNING partition

-- name: release
UPDATE partitions SET holder = NULL WHERE holder = ?

-- name: mailbox_behind
SELECT place FROM log WHERE place > ? ORDER BY place LIMIT 1

-- name: purge
DELETE FROM log WHERE place = ?1 AND run = '' AND idx = -1 AND seq IN (
    SELECT seq FROM log
    WHERE place = ?1 AND run = '' AND idx = -1 AND status = 'consumed' AND at < ?2
        AND seq < (SELECT seq FROM log WHERE place = ?1 AND run = '' AND idx = -1 ORDER BY seq DESC LIMIT 1)
    ORDER BY seq LIMIT ?3
)
RETURNING seq

-- name: find_by_run
SELECT run, mailbox, revision, status, flow, version, live_key, parent, state, updated FROM runs
WHERE run = :run
    AND (:mailbox IS NULL OR mailbox = :mailbox) AND (:parent IS NULL OR parent = :parent)
    AND (:flow IS NULL OR flow = :flow) AND (:status IS NULL OR status IN (SELECT value FROM json_each(:status)))
    AND (:after IS NULL OR run > :after)
ORDER BY run LIMIT :limit

-- name: find_by_mailbox
SELECT run, mailbox, revision, status, flow, version, live_key, parent, state, updated FROM runs
WHERE mailbox = :mailbox
    AND (:parent IS NULL OR parent = :parent) AND (:flow IS NULL OR flow = :flow)
    AND (:status IS NULL OR status IN (SELECT value FROM json_each(:status))) AND (:after IS NULL OR run > :after)
ORDER BY run LIMIT :limit

-- name: find_by_parent
SELECT run, mailbox, revision, status, flow, version, live_key, parent, state, updated FROM runs
WHERE parent = :parent AND run > coalesce(:after, '')
    AND (:flow IS NULL OR flow = :flow) AND (:status IS NULL OR status IN (SELECT value FROM json_each(:status)))
ORDER BY run LIMIT :limit

-- name: find_rare
SELECT run, mailbox, revision, status, flow, version, live_key, parent, state, updated FROM runs
WHERE status IN ('running', 'stuck', 'blocked') AND status IN (SELECT value FROM json_each(:status))
    AND run > coalesce(:after, '') AND (:flow IS NULL OR flow = :flow)
ORDER BY run LIMIT :limit

-- name: find_by_flow
SELECT run, mailbox, revision, status, flow, version, live_key, parent, state, updated FROM runs
WHERE flow = :flow AND run > coalesce(:after, '')
    AND (:status IS NULL OR status IN (SELECT value FROM json_each(:status)))
ORDER BY run LIMIT :limit

-- name: find
SELECT run, mailbox, revision, status, flow, version, live_key, parent, state, updated FROM runs
WHERE run > coalesce(:after, '') AND (:status IS NULL OR status IN (SELECT value FROM json_each(:status)))
ORDER BY run LIMIT :limit

-- Rows are never moved, so their row ids tell the order of their creation.
-- name: find_newest
SELECT run, mailbox, revision, status, flow, version, live_key, parent, state, updated FROM runs
WHERE rowid < iif(:after IS NULL, 9223372036854775807, (SELECT rowid FROM runs WHERE run = :after))
    AND (:run IS NULL OR run = :run) AND (:mailbox IS NULL OR mailbox = :mailbox)
    AND (:parent IS NULL OR parent = :parent) AND (:flow IS NULL OR flow = :flow)
    AND (:status IS NULL OR status IN (SELECT value FROM json_each(:status)))
ORDER BY rowid DESC LIMIT :limit

-- The heads of one topic are few, and so are the two correlations: each pair is a stretch of the index.
-- name: subscribers
SELECT run, key, mailbox, topic, correlation FROM subscriptions
WHERE head IN (SELECT value FROM json_each(:heads)) AND correlation IN ('', :correlation) AND topic_matches(topic, :topic)
ORDER BY run, key

-- name: events_of_topic
SELECT id, topic, correlation, payload, at, number FROM events
WHERE topic = :topic AND at >= :since AND (at, number) > (:at, :number)
ORDER BY at, number LIMIT :limit

-- name: events_of_key
SELECT id, topic, correlation, payload, at, number FROM events
WHERE correlation = :correlation AND correlation <> '' AND topic = :topic AND at >= :since AND (at, number) > (:at, :number)
ORDER BY at, number LIMIT :limit

-- name: events_like_of_key
SELECT id, topic, correlation, payload, at, number FROM events
WHERE correlation = :correlation AND correlation <> '' AND topic >= :stem AND topic < :end
    AND at >= :since AND (at, number) > (:at, :number) AND topic_matches(:topic, topic)
ORDER BY at, number LIMIT :limit

-- name: events_like
SELECT id, topic, correlation, payload, at, number FROM events
WHERE at >= :since AND (at, number) > (:at, :number) AND topic_matches(:topic, topic)
ORDER BY at, number LIMIT :limit

-- name: now
SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)

-- name: any_table
SELECT 1 FROM sqlite_schema LIMIT 1
