import type { Migration } from './migration.ts';

/** What nodes ask of sagas that others own, and the answers. */
export const commandMigration: Migration = {
  number: 3,
  name: 'commands',
  oldest: 1,
  sql: () => `
CREATE TABLE command (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  asker bigint NOT NULL,
  asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  answered_at timestamptz,
  shard smallint NOT NULL,
  saga text COLLATE "C" NOT NULL,
  body text NOT NULL,
  answer text
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX command_open ON command (shard, id) WHERE answered_at IS NULL;

-- Answers a command, if the shard is still the answerer's; the lock is the one that appends take.
CREATE FUNCTION answer_1(me bigint, answered bigint, shard_epoch bigint, reply text) RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE held boolean;
BEGIN
  SELECT true INTO held FROM command c JOIN shard s ON s.id = c.shard
    WHERE c.id = answered AND s.owner = me AND s.epoch = shard_epoch FOR SHARE OF s;
  IF held IS NULL THEN RETURN false; END IF;
  UPDATE command c SET answer = reply, answered_at = clock_timestamp() WHERE c.id = answered AND c.answered_at IS NULL;
  RETURN true;
END $$;
`,
};
