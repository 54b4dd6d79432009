package makegood.barrier;

import makegood.barrier.Row.State;

/** What to do with a call. Pure; {@code ../protocol/decide-barrier.json} has every case. */
public sealed interface Verdict {
    /** Do the business of the phase, and keep its reply. */
    record Run() implements Verdict {}

    /** A compensation of what was not applied: keep a tombstone, and answer that it is done. */
    record NothingToUndo() implements Verdict {}

    /** A status probe of what was not applied: keep a tombstone, and answer so. */
    record NotApplied() implements Verdict {}

    record Replay(Reply reply) implements Verdict {}

    record Refuse(String code, String message) implements Verdict {}

    /**
     * Decides about one call.
     *
     * @param row what stood in the step's row, locked by this transaction; null for the first call
     */
    static Verdict of(Row row, Phase phase, long epoch) {
        if (row == null) {
            return switch (phase) {
                case ACTION -> new Run();
                case COMPENSATION -> new NothingToUndo();
                case STATUS -> new NotApplied();
            };
        }
        if (epoch < row.epoch()) {
            return new Refuse("stale-epoch",
                "epoch " + epoch + " was replaced by epoch " + row.epoch() + "; its call comes too late");
        }
        return switch (phase) {
            case ACTION -> row.actionReply() != null
                ? new Replay(row.actionReply())
                : new Refuse("aborted", "the action was given up before it came; nothing was done");
            case COMPENSATION -> {
                if (row.undoneReply() != null) yield new Replay(row.undoneReply());
                // A refused action has a reply and no effect: undoing it would give back what was never taken.
                yield row.action() == State.APPLIED ? new Run() : new NothingToUndo();
            }
            case STATUS -> row.action() == State.APPLIED ? new Replay(applied(row.actionReply())) : new NotApplied();
        };
    }

    /** What a status probe of an applied action is answered. */
    private static Reply applied(Reply reply) {
        var output = reply == null || reply.body().isEmpty() ? "" : ",\"output\":" + reply.body();
        return new Reply(200, "{\"effect\":\"applied\"" + output + "}");
    }
}
