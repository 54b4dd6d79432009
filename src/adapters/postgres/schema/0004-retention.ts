import type { Migration } from './migration.ts';

/**
 * What becomes of the past: partitions whose sagas have all been finished for long enough are dropped, ids are forgotten
 * later. With the rights of the owner, so that nodes need none of theirs, and a few steps a call, so that no lock is long.
 */
export const retentionMigration: Migration = {
  number: 4,
  name: 'retention',
  oldest: 1,
  sql: () => `
-- Drops at most one day, and forgets at most so many ids. \`held\` are days that are old enough but for a saga that has not
-- finished. Nothing at all when another node is at it.
CREATE FUNCTION purge_1(keep_ms float8, keep_ids_ms float8, most integer)
RETURNS TABLE (dropped date, forgotten integer, held date[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET lock_timeout = '2s' AS $$
DECLARE
  d date;
  over float8 := now_ms() - keep_ms;
BEGIN
  held := '{}';
  forgotten := 0;
  IF NOT pg_try_advisory_xact_lock(hashtext('makegood purge of ' || current_schema())) THEN
    RETURN NEXT;
    RETURN;
  END IF;
  FOR d IN SELECT to_date(right(c.relname, 8), 'YYYYMMDD') AS day FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'journal'::regclass ORDER BY day
  LOOP
    -- Times up to the end of its day may stand in it.
    EXIT WHEN extract(epoch FROM (d + 1)::timestamp) * 1000 > over;
    IF EXISTS (SELECT FROM saga g WHERE g.day = d AND NOT g.finished) THEN
      held := held || d;
      CONTINUE;
    END IF;
    CONTINUE WHEN EXISTS (SELECT FROM saga g WHERE g.day = d AND g.updated_at > over);
    INSERT INTO purged (day) VALUES (d) ON CONFLICT DO NOTHING;
    EXECUTE format('DROP TABLE %I', 'journal_' || to_char(d, 'YYYYMMDD'));
    dropped := d;
    EXIT;
  END LOOP;
  DELETE FROM saga g WHERE g.ctid IN (SELECT o.ctid FROM saga o JOIN purged p ON p.day = o.day
    WHERE o.updated_at < now_ms() - keep_ids_ms LIMIT most);
  GET DIAGNOSTICS forgotten = ROW_COUNT;
  DELETE FROM command c WHERE c.answered_at < clock_timestamp() - interval '1 hour';
  RETURN NEXT;
END $$;
`,
};
