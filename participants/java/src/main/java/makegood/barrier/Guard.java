package makegood.barrier;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.sql.Connection;
import java.sql.SQLException;
import makegood.barrier.Row.State;

/** Passes one call through the barrier. */
public final class Guard {
    /** The work of a phase: returns the output, to be made JSON by Jackson; null for none. */
    @FunctionalInterface
    public interface Business {
        Object run() throws SQLException;
    }

    private Guard() {}

    /**
     * Lets a call take effect once, in the transaction in which the business writes: commit after it returns, roll back when
     * it throws. A {@link Refusal} of an action undoes its writes and is kept as a 409.
     *
     * @param tx a connection without auto-commit, at READ COMMITTED
     */
    public static Reply pass(Connection tx, Call call, Business business) throws SQLException, JsonProcessingException {
        var row = Rows.lock(tx, call);
        var kept = (row == null ? new Row(0, State.BARRED, null, null) : row).withEpoch(call.epoch());
        var verdict = Verdict.of(row, call.phase(), call.epoch());
        if (verdict instanceof Verdict.Refuse refuse) return Json.problem(409, refuse.code(), refuse.message());
        Reply reply;
        if (verdict instanceof Verdict.Replay replay) {
            reply = replay.reply();
        } else if (verdict instanceof Verdict.NotApplied) {
            reply = new Reply(200, "{\"effect\":\"none\"}");
        } else if (verdict instanceof Verdict.NothingToUndo) {
            reply = new Reply(200, "{\"undone\":false}");
            kept = kept.withUndone(reply);
        } else if (call.phase() == Phase.COMPENSATION) {
            reply = Json.output(business.run());
            kept = kept.withUndone(reply);
        } else {
            kept = act(tx, kept, business);
            reply = kept.actionReply();
        }
        Rows.save(tx, call, kept);
        return reply;
    }

    private static Row act(Connection tx, Row row, Business business) throws SQLException, JsonProcessingException {
        // What an action wrote before it refused is undone, and the refusal is kept all the same.
        var before = tx.setSavepoint();
        try {
            var done = row.withAction(State.APPLIED, Json.output(business.run()));
            tx.releaseSavepoint(before);
            return done;
        } catch (Refusal refusal) {
            tx.rollback(before);
            return row.withAction(State.REFUSED, Json.problem(409, refusal.code(), refusal.getMessage()));
        }
    }
}
