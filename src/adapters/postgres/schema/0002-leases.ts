import type { Migration } from './migration.ts';

/**
 * Who owns which shard, and for how long: one lease a node, and an epoch a shard.
 *
 * A node renews one row, whatever it owns. A lease that is over cannot be renewed: its row is deleted by whoever finds it,
 * and the lock of that row decides between the two. Taking a shard always gives it a new epoch, also to the same owner,
 * from the sequence that numbers the nodes: so the epoch of an opening is beyond every epoch before it.
 */
export const leaseMigration: Migration = {
  number: 2,
  name: 'leases',
  oldest: 1,
  sql: () => `
-- Whether it takes part: one that only reads has no share of the shards.
ALTER TABLE node ADD COLUMN joined boolean NOT NULL DEFAULT false;
CREATE TABLE lineage (timeline integer NOT NULL);

CREATE FUNCTION now_ms() RETURNS float8 LANGUAGE sql VOLATILE AS $$
  SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 $$;

-- The timeline that is written to: another one after each promotion of a standby.
CREATE FUNCTION current_timeline() RETURNS integer LANGUAGE sql VOLATILE AS $$
  SELECT ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::integer $$;
INSERT INTO lineage VALUES (current_timeline());

-- A standby that was promoted may have lost the latest leases and epochs: all leases are void, and epochs go on far above.
CREATE FUNCTION heed_promotion_1() RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF (SELECT timeline FROM lineage) = current_timeline() THEN RETURN; END IF;
  UPDATE lineage SET timeline = current_timeline() WHERE timeline <> current_timeline();
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM setval('epoch', nextval('epoch') + 1000000000);
  DELETE FROM node;
END $$;

-- A node begins. One of the same name can only be its own past, and is dead.
CREATE FUNCTION enlist_1(node_name text, node_version text, ttl_ms integer) RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE me bigint;
BEGIN
  PERFORM heed_promotion_1();
  DELETE FROM node n WHERE n.name = node_name;
  me := nextval('epoch');
  INSERT INTO node (id, name, version, lease_until)
    VALUES (me, node_name, node_version, clock_timestamp() + ttl_ms * interval '1 ms');
  RETURN me;
END $$;

-- Renews the lease, buries the dead, and takes shards that nobody owns: none, a fair share, or all of them and under its
-- own number. \`alive\` is false when the lease was over.
CREATE FUNCTION tend_1(me bigint, ttl_ms integer, takes text) RETURNS TABLE (
  alive boolean, at float8, nodes integer, share integer, free integer, shards integer[], epochs float8[])
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  total integer;
  mine integer;
BEGIN
  PERFORM heed_promotion_1();
  UPDATE node n SET lease_until = clock_timestamp() + ttl_ms * interval '1 ms', joined = takes <> 'none'
    WHERE n.id = me AND n.lease_until > clock_timestamp();
  alive := FOUND;
  at := now_ms();
  IF NOT alive THEN
    DELETE FROM node n WHERE n.id = me;
    RETURN NEXT;
    RETURN;
  END IF;
  DELETE FROM node n WHERE n.id IN
    (SELECT d.id FROM node d WHERE d.lease_until < clock_timestamp() FOR UPDATE SKIP LOCKED);
  SELECT count(*) INTO nodes FROM node n WHERE n.joined;
  SELECT count(*), count(*) FILTER (WHERE s.owner = me) INTO total, mine FROM shard s;
  share := CASE takes WHEN 'none' THEN 0 WHEN 'all' THEN total ELSE ceil(total::numeric / nodes) END;
  UPDATE shard s SET owner = me, epoch = CASE takes WHEN 'all' THEN me ELSE nextval('epoch') END
    WHERE s.id IN (SELECT f.id FROM shard f
      WHERE (f.owner IS NULL OR NOT EXISTS (SELECT FROM node n WHERE n.id = f.owner)) AND (takes <> 'all' OR f.epoch < me)
      ORDER BY f.id LIMIT greatest(0, share - mine) FOR UPDATE SKIP LOCKED);
  SELECT count(*) INTO free FROM shard s WHERE s.owner IS NULL OR NOT EXISTS (SELECT FROM node n WHERE n.id = s.owner);
  SELECT coalesce(array_agg(s.id ORDER BY s.id), '{}'), coalesce(array_agg(s.epoch ORDER BY s.id), '{}')
    INTO shards, epochs FROM shard s WHERE s.owner = me;
  RETURN NEXT;
END $$;

-- Hands shards over: nobody owns them, and whoever has room takes them.
CREATE FUNCTION release_1(me bigint, released integer[]) RETURNS void
LANGUAGE sql SET search_path FROM CURRENT AS $$
  UPDATE shard SET owner = NULL WHERE owner = me AND id = ANY (released) $$;

CREATE FUNCTION leave_1(me bigint) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE shard SET owner = NULL WHERE owner = me;
  DELETE FROM node WHERE id = me;
END $$;
`,
};
