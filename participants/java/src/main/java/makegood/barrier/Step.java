package makegood.barrier;

import java.sql.Connection;
import java.sql.SQLException;

/**
 * One thing that can be done and undone. Both write with {@code tx} only, and return the output, null for none. Throw a
 * {@link Refusal} in {@code act} to say no for certain; anything else that is thrown leaves the effect unknown to the caller.
 */
public interface Step {
    Object act(Connection tx, Order order) throws SQLException;

    /** Is called only when it was done. */
    Object undo(Connection tx, Order order) throws SQLException;
}
