package makegood.barrier;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.Locale;
import makegood.barrier.Row.State;

/** The barrier's rows, in the transaction of the business. */
public final class Rows {
    /**
     * Makes the table; safe to run again. It is the same in every language, so that a service can be written anew without
     * losing what its callers were told.
     */
    public static final String SCHEMA = """
        CREATE TABLE IF NOT EXISTS makegood_barrier (
          saga text COLLATE "C" NOT NULL,
          step text COLLATE "C" NOT NULL,
          epoch bigint NOT NULL DEFAULT 0,
          action text CHECK (action IN ('applied', 'refused', 'barred')),
          action_status smallint,
          action_body text,
          undone_status smallint,
          undone_body text,
          called_at timestamptz NOT NULL DEFAULT clock_timestamp(),
          PRIMARY KEY (saga, step)
        ) WITH (fillfactor = 70);
        CREATE INDEX IF NOT EXISTS makegood_barrier_called_at ON makegood_barrier (called_at);
        """;

    private static final String INSERT =
        "INSERT INTO makegood_barrier (saga, step) VALUES (?, ?) ON CONFLICT DO NOTHING";
    private static final String SELECT = """
        SELECT epoch, action, action_status, action_body, undone_status, undone_body FROM makegood_barrier
        WHERE saga = ? AND step = ? FOR UPDATE""";
    private static final String UPDATE = """
        UPDATE makegood_barrier SET epoch = ?, action = ?, action_status = ?, action_body = ?,
        undone_status = ?, undone_body = ?, called_at = clock_timestamp() WHERE saga = ? AND step = ?""";

    private Rows() {}

    /**
     * Makes the step's row when it is not there and locks it until the transaction ends; null is a new one. The insert waits
     * for another transaction's row of the same key; the select then sees what that one committed.
     */
    static Row lock(Connection tx, Call call) throws SQLException {
        while (!insert(tx, call)) {
            try (var select = tx.prepareStatement(SELECT)) {
                select.setString(1, call.saga());
                select.setString(2, call.step());
                try (var found = select.executeQuery()) {
                    // Purged between the two statements, which its retention is there to prevent: begin anew.
                    if (found.next()) return read(found);
                }
            }
        }
        return null;
    }

    private static boolean insert(Connection tx, Call call) throws SQLException {
        try (var insert = tx.prepareStatement(INSERT)) {
            insert.setString(1, call.saga());
            insert.setString(2, call.step());
            return insert.executeUpdate() == 1;
        }
    }

    private static Row read(ResultSet found) throws SQLException {
        var action = found.getString("action");
        // Committed by somebody who did not let the barrier finish: nothing is known to be applied.
        if (action == null) return null;
        return new Row(found.getLong("epoch"), State.valueOf(action.toUpperCase(Locale.ROOT)),
            reply(found, "action_status", "action_body"), reply(found, "undone_status", "undone_body"));
    }

    private static Reply reply(ResultSet found, String status, String body) throws SQLException {
        var code = found.getInt(status);
        if (found.wasNull()) return null;
        var text = found.getString(body);
        return new Reply(code, text == null ? "" : text);
    }

    /** Writes the row that was locked. */
    static void save(Connection tx, Call call, Row row) throws SQLException {
        try (var update = tx.prepareStatement(UPDATE)) {
            update.setLong(1, row.epoch());
            update.setString(2, row.action().name().toLowerCase(Locale.ROOT));
            int at = 3;
            for (var reply : new Reply[] {row.actionReply(), row.undoneReply()}) {
                if (reply == null) {
                    update.setNull(at++, Types.SMALLINT);
                    update.setNull(at++, Types.VARCHAR);
                } else {
                    update.setInt(at++, reply.status());
                    update.setString(at++, reply.body());
                }
            }
            update.setString(at++, call.saga());
            update.setString(at, call.step());
            update.executeUpdate();
        }
    }
}
