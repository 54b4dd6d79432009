package makegood.barrier;

/**
 * What is known of a step.
 *
 * @param epoch the highest that has called
 * @param actionReply null for a tombstone
 * @param undoneReply null until the compensation is done
 */
public record Row(long epoch, State action, Reply actionReply, Reply undoneReply) {
    /** What became of the action. */
    public enum State {
        APPLIED,
        REFUSED,
        /** A tombstone: the action has not come, and must not take effect any more. */
        BARRED
    }

    Row withEpoch(long newer) {
        return new Row(newer, action, actionReply, undoneReply);
    }

    Row withAction(State state, Reply reply) {
        return new Row(epoch, state, reply, undoneReply);
    }

    Row withUndone(Reply reply) {
        return new Row(epoch, action, actionReply, reply);
    }
}
