package makegood.barrier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.net.URI;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/** The barrier on a real PostgreSQL, named by DATABASE_URL; without one these tests are skipped. */
@EnabledIfEnvironmentVariable(named = "DATABASE_URL", matches = ".+")
class GuardTest {
    private Connection tx;

    @BeforeEach
    void open() throws SQLException {
        var url = URI.create(System.getenv("DATABASE_URL"));
        var jdbc = "jdbc:postgresql://" + url.getHost() + ":" + url.getPort() + url.getPath();
        tx = DriverManager.getConnection(jdbc, url.getUserInfo(), "");
        tx.setAutoCommit(false);
        run(Rows.SCHEMA + "CREATE TABLE IF NOT EXISTS effects (saga text); TRUNCATE makegood_barrier, effects");
        tx.commit();
    }

    @AfterEach
    void close() throws SQLException {
        tx.close();
    }

    private void run(String sql) throws SQLException {
        try (var statement = tx.createStatement()) {
            statement.execute(sql);
        }
    }

    private Object effect() throws SQLException {
        run("INSERT INTO effects VALUES ('a')");
        return null;
    }

    private int effects() throws SQLException {
        try (var statement = tx.createStatement(); var found = statement.executeQuery("SELECT count(*) FROM effects")) {
            found.next();
            return found.getInt(1);
        }
    }

    private static Call call(String saga, Phase phase) {
        return new Call(saga, "s", phase, 1, 1, "", null);
    }

    private Reply guarded(Call call, Guard.Business business) throws Exception {
        try {
            var reply = Guard.pass(tx, call, business);
            tx.commit();
            return reply;
        } catch (Exception failed) {
            tx.rollback();
            throw failed;
        }
    }

    @Test
    void anErrorRollsBackRowAndEffectAndTheNextAttemptRuns() throws Exception {
        var call = call("a", Phase.ACTION);
        assertThrows(IllegalStateException.class, () -> guarded(call, () -> {
            effect();
            throw new IllegalStateException("the disk is full");
        }));
        assertEquals(0, effects());
        var reply = guarded(call, () -> {
            effect();
            return Map.of("é", 1);
        });
        assertEquals(new Reply(200, "{\"é\":1}"), reply);
        assertEquals(1, effects());
    }

    @Test
    void aRefusalIsKeptAndWhatWasWrittenBeforeItIsNot() throws Exception {
        var calls = new AtomicInteger();
        for (int attempt = 0; attempt < 2; attempt++) {
            var reply = guarded(call("b", Phase.ACTION), () -> {
                calls.incrementAndGet();
                effect();
                throw new Refusal("SOLD_OUT", "none left");
            });
            assertEquals(409, reply.status());
        }
        assertEquals(0, effects());
        assertEquals(1, calls.get());
    }

    @Test
    void aStatementThatFailedCommitsNothingEvenIfTheBusinessSwallowsIt() throws Exception {
        guarded(call("c", Phase.ACTION), () -> null);
        assertThrows(SQLException.class, () -> guarded(call("c", Phase.COMPENSATION), () -> {
            effect();
            assertThrows(SQLException.class, () -> run("SELECT 1/0"));
            return null;
        }));
        assertEquals(0, effects());
    }

    @Test
    void anOutputThatCannotBeKeptFailsTheCall() {
        assertThrows(IllegalArgumentException.class, () -> guarded(call("d", Phase.ACTION), () -> "x".repeat(1 << 20)));
        assertThrows(Exception.class, () -> guarded(call("d", Phase.ACTION), Object::new));
    }
}
