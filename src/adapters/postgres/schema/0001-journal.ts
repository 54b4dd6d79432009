import type { Migration } from './migration.ts';

/**
 * Nodes, shards, sagas and their records, and the one function that writes them.
 *
 * `append_1` is a function for three reasons. It is one round trip and one transaction. Its plans are kept by the server,
 * so that a client behind a pooler, which cannot have prepared statements of its own, pays for no planning. And what it
 * is planned with is set here: a plan made while a table was small must not go on to scan it when it has grown.
 *
 * The number of the transaction is drawn before positions are: whoever sees a position handed out, and waits until the
 * transactions that had begun by then are over, has seen all records up to it (`settled_1`).
 */
export const journalMigration: Migration = {
  number: 1,
  name: 'journal',
  oldest: 1,
  sql: ({ shards }) => `
-- One sequence for every node and every taking of a shard: whoever comes later has the higher number.
CREATE SEQUENCE epoch AS bigint;
-- The last twelve bits of a position are a record's place in its flush.
CREATE SEQUENCE position AS bigint INCREMENT BY 4096 START 4096;

CREATE TABLE node (
  id bigint PRIMARY KEY,
  name text NOT NULL,
  version text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  lease_until timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);

CREATE TABLE shard (
  id smallint PRIMARY KEY,
  owner bigint,
  epoch bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
INSERT INTO shard (id) SELECT generate_series(0, ${shards - 1});

CREATE TABLE saga (
  key bigint NOT NULL, -- where its first record stands
  epoch bigint NOT NULL,
  tag bigint NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  day date NOT NULL DEFAULT (clock_timestamp() AT TIME ZONE 'UTC')::date,
  seq integer NOT NULL,
  shard smallint NOT NULL,
  finished boolean NOT NULL,
  id text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  version text COLLATE "C" NOT NULL,
  PRIMARY KEY (shard, id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
CREATE UNIQUE INDEX saga_key ON saga (key);
CREATE INDEX saga_unfinished ON saga (shard, key) WHERE NOT finished;
CREATE INDEX saga_status ON saga (status, key) WHERE status <> 'completed';
CREATE INDEX saga_placed ON saga (shard) WHERE epoch = 0;
CREATE INDEX saga_day ON saga USING brin (day);

-- A saga's records stand together in the partition of the day it was started on, however long it lives.
CREATE TABLE journal (
  position bigint NOT NULL,
  saga bigint NOT NULL,
  at bigint NOT NULL,
  day date NOT NULL,
  seq integer NOT NULL,
  shard smallint NOT NULL,
  kind smallint NOT NULL,
  step text COLLATE "C" NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (saga, seq, day)
) PARTITION BY RANGE (day);
-- Records are written nearly in the order of their positions, so a summary of each stretch of pages finds the newest.
CREATE INDEX journal_position ON journal USING brin (position) WITH (pages_per_range = 16, autosummarize = on);

-- Days whose records were dropped: what is left of their sagas are ids that stay taken.
CREATE TABLE purged (day date PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp());

CREATE VIEW history AS
  SELECT g.id AS saga, j.seq, j.step, to_timestamp(j.at / 1000.0) AS at, j.kind, convert_from(j.body, 'UTF8') AS body
  FROM saga g JOIN journal j ON j.day = g.day AND j.saga = g.key;

-- Makes the partitions of today and the days after it. With the rights of its owner, so that nodes need none of theirs.
CREATE FUNCTION make_days_1(ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
  today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
  made integer := 0;
  d date;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('makegood days of ' || current_schema()));
  FOR d IN SELECT g::date FROM generate_series(today - 1, today + ahead, interval '1 day') AS g LOOP
    CONTINUE WHEN to_regclass(format('%I.%I', current_schema(), 'journal_' || to_char(d, 'YYYYMMDD'))) IS NOT NULL;
    EXECUTE format('CREATE TABLE %I PARTITION OF journal FOR VALUES FROM (%L) TO (%L)
      WITH (autovacuum_vacuum_insert_scale_factor = 0.02)', 'journal_' || to_char(d, 'YYYYMMDD'), d, d + 1);
    made := made + 1;
  END LOOP;
  RETURN made;
END $$;

-- The last position that was handed out, the first transaction that begins later, and whether all before another are over.
CREATE FUNCTION settled_1(horizon xid8) RETURNS TABLE (handed_out bigint, next xid8, settled boolean)
LANGUAGE sql VOLATILE SET search_path FROM CURRENT AS $$
  SELECT p.last_value, pg_snapshot_xmax(s), horizon IS NOT NULL AND pg_snapshot_xmin(s) >= horizon
  FROM position p, pg_current_snapshot() s $$;

-- Writes what follows the last record of each saga, of the shards that the writer owns; returns the places written.
CREATE FUNCTION append_1(
  me bigint, shards smallint[], epochs bigint[], ids text[], expected integer[], seqs integer[], tags bigint[],
  statuses text[], ends boolean[], names text[], versions text[], born bigint[], updated bigint[], firsts integer[],
  record_places integer[], record_seqs integer[], record_kinds smallint[], record_ats bigint[], record_steps text[],
  record_starts integer[], record_lengths integer[], bodies bytea
) RETURNS TABLE (written integer, lands bigint)
LANGUAGE plpgsql SET search_path FROM CURRENT
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  transaction xid8 := pg_current_xact_id();
  base bigint := nextval('position');
  fenced smallint[];
  keys bigint[] := array_fill(0::bigint, ARRAY[cardinality(ids)]);
  days date[] := array_fill('epoch'::date, ARRAY[cardinality(ids)]);
  saga_key bigint;
  saga_day date;
  place integer;
BEGIN
  -- FOR SHARE and nothing weaker: taking a shard over is an update of its row that FOR KEY SHARE would let pass.
  SELECT coalesce(array_agg(f.id), '{}') INTO fenced FROM (
    SELECT s.id FROM shard s JOIN (SELECT DISTINCT h.id, h.epoch FROM unnest(shards, epochs) AS h(id, epoch)) held
      ON s.id = held.id AND s.epoch = held.epoch
    WHERE s.owner = me FOR SHARE OF s) f;
  FOR place, saga_key, saga_day IN
    WITH fresh AS (
      INSERT INTO saga AS g
          (key, shard, id, name, version, status, finished, seq, epoch, tag, created_at, updated_at)
        SELECT base + u.first, u.shard, u.id, u.name, u.version, u.status, u.done, u.seq, u.epoch, u.tag, u.born, u.updated
        FROM unnest(shards, epochs, ids, names, versions, statuses, ends, expected, seqs, tags, born, updated, firsts)
          AS u(shard, epoch, id, name, version, status, done, expected, seq, tag, born, updated, first)
        WHERE u.expected = 0 AND (u.epoch = 0 OR u.shard = ANY (fenced))
        ON CONFLICT DO NOTHING RETURNING g.key, g.day
    ), moved AS (
      UPDATE saga AS g SET seq = u.seq, epoch = u.epoch, tag = u.tag, status = u.status, finished = u.done, updated_at = u.updated
        FROM unnest(shards, epochs, ids, statuses, ends, expected, seqs, tags, updated)
          WITH ORDINALITY AS u(shard, epoch, id, status, done, expected, seq, tag, updated, place)
        WHERE u.expected > 0 AND u.shard = ANY (fenced)
          AND g.shard = u.shard AND g.id = u.id AND g.seq = u.expected AND g.epoch <= u.epoch
        RETURNING u.place, g.key, g.day
    )
    SELECT record_places[f.key - base], f.key, f.day FROM fresh f UNION ALL SELECT m.place::integer, m.key, m.day FROM moved m
  LOOP
    keys[place] := saga_key;
    days[place] := saga_day;
    written := place - 1;
    lands := base + firsts[place];
    RETURN NEXT;
  END LOOP;
  INSERT INTO journal (position, day, shard, saga, seq, kind, at, step, body)
    SELECT base + r.nth, days[r.place], shards[r.place], keys[r.place], r.seq, r.kind, r.at, r.step, substr(bodies, r.start, r.length)
    FROM unnest(record_places, record_seqs, record_kinds, record_ats, record_steps, record_starts, record_lengths)
      WITH ORDINALITY AS r(place, seq, kind, at, step, start, length, nth)
    WHERE keys[r.place] <> 0;
END $$;
`,
};
