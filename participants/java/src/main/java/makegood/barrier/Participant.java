package makegood.barrier;

import com.fasterxml.jackson.databind.node.MissingNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;

/** The HTTP side of a service that sagas call, on the server that Java brings. */
public final class Participant implements HttpHandler {
    private static final System.Logger LOG = System.getLogger(Participant.class.getName());
    private static final int LONGEST_BODY = 1 << 20;
    // PostgreSQL, appendix A: the wait for another transaction's lock was over; a statement was cut off.
    private static final String LOCK_NOT_AVAILABLE = "55P03";
    private static final String QUERY_CANCELED = "57014";

    private final DataSource pool;
    private final Map<String, Step> steps;
    private final long lockTimeoutMs;
    private final AtomicInteger atWork = new AtomicInteger();

    /**
     * @param steps by the last part of the request's path, or else by the step's own name
     * @param lockTimeoutMs how long a call waits for another of the same step before it is told to come again
     */
    public Participant(DataSource pool, Map<String, Step> steps, long lockTimeoutMs) {
        this.pool = pool;
        this.steps = Map.copyOf(steps);
        this.lockTimeoutMs = lockTimeoutMs;
    }

    /** The caller's time is up: too late is worse than not at all, for it may be undoing this already. */
    private static final class Late extends Exception {
        private static final long serialVersionUID = 1;
    }

    /** When the caller's time is up, on the clock that does not jump; null is never. */
    private record Due(Long atNanos) {
        static Due in(Long deadlineMs) {
            return new Due(deadlineMs == null ? null : System.nanoTime() + Math.min(deadlineMs, 86_400_000L) * 1_000_000L);
        }

        long leftMs() throws Late {
            if (atNanos == null) return 3_600_000L;
            var left = (atNanos - System.nanoTime()) / 1_000_000L;
            if (left <= 0) throw new Late();
            return left;
        }
    }

    /** How many calls are under way. */
    public int atWork() {
        return atWork.get();
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        atWork.incrementAndGet();
        try {
            serve(exchange);
        } finally {
            atWork.decrementAndGet();
        }
    }

    private void serve(HttpExchange exchange) throws IOException {
        try (exchange) {
            Order order;
            Step step;
            Due due;
            try {
                var call = readCall(exchange);
                step = stepOf(exchange, call);
                due = Due.in(call.deadlineMs());
                order = readOrder(exchange, call);
            } catch (RefusedRequest refused) {
                exchange.getResponseHeaders().set("Makegood-Effect", "none");
                if (refused.reply().status() == 405) exchange.getResponseHeaders().set("Allow", "POST");
                // A body that was not read would be taken for the next request.
                exchange.getResponseHeaders().set("Connection", "close");
                send(exchange, refused.reply());
                return;
            }
            send(exchange, answer(exchange, order, step, due));
        }
    }

    private static Call readCall(HttpExchange exchange) throws RefusedRequest {
        var method = exchange.getRequestMethod();
        if (!method.equals("POST")) throw new RefusedRequest(405, "method", "expected POST, got " + method);
        var call = Call.read(name -> header(exchange, name));
        if (call.deadlineMs() != null && call.deadlineMs() == 0) {
            throw new RefusedRequest(503, "deadline", "the caller's time was up on arrival");
        }
        return call;
    }

    private static String header(HttpExchange exchange, String name) {
        var values = exchange.getRequestHeaders().get(name);
        return values == null ? null : String.join(", ", values);
    }

    private Step stepOf(HttpExchange exchange, Call call) throws RefusedRequest {
        var path = exchange.getRequestURI().getPath();
        var step = steps.getOrDefault(path.substring(path.lastIndexOf('/') + 1), steps.get(call.step()));
        if (step != null) return step;
        throw new RefusedRequest(404, "no-such-action", "there is no action for step \"" + call.step() + "\" here");
    }

    private static Order readOrder(HttpExchange exchange, Call call) throws RefusedRequest, IOException {
        Call.checkType(header(exchange, "Content-Type"));
        var body = exchange.getRequestBody().readNBytes(LONGEST_BODY + 1);
        if (body.length > LONGEST_BODY) {
            throw new RefusedRequest(413, "too-large", "the body is longer than " + LONGEST_BODY + " bytes");
        }
        var said = Json.read(body);
        // An action's body is its input, a compensation's and a probe's is { input, output? }.
        if (call.phase() == Phase.ACTION) return new Order(call, said, MissingNode.getInstance());
        if (!said.isObject()) throw new RefusedRequest(422, "invalid", "expected the body to be a JSON object");
        return new Order(call, said.path("input"), said.path("output"));
    }

    /** Commits the business and its row together, or neither; and says in words of HTTP how it went. */
    private Reply answer(HttpExchange exchange, Order order, Step step, Due due) {
        var call = order.call();
        try {
            return transaction(order, step, due);
        } catch (Late late) {
            return Json.problem(503, "deadline", "the caller's time was up");
        } catch (Exception failed) {
            var state = failed instanceof SQLException database ? database.getSQLState() : null;
            if (LOCK_NOT_AVAILABLE.equals(state)) {
                exchange.getResponseHeaders().set("Retry-After", "1");
                if (call.phase() == Phase.STATUS) return new Reply(202, "");
                return Json.problem(425, "in-progress", "another copy of this call is at work");
            }
            if (QUERY_CANCELED.equals(state)) return Json.problem(503, "deadline", "the caller's time was up");
            // What went wrong inside is not the caller's business and may hold secrets; the effect is unknown to it.
            LOG.log(System.Logger.Level.ERROR, call.saga() + "/" + call.step() + " " + call.phase(), failed);
            return Json.problem(500, "internal", "the participant failed; the same call may be made again");
        }
    }

    private Reply transaction(Order order, Step step, Due due) throws Exception {
        try (var tx = pool.getConnection()) {
            try {
                limitTime(tx, due.leftMs());
                var reply = Guard.pass(tx, order.call(),
                    () -> order.call().phase() == Phase.ACTION ? step.act(tx, order) : step.undo(tx, order));
                due.leftMs();
                tx.commit();
                return reply;
            } catch (Exception failed) {
                try {
                    tx.rollback();
                } catch (SQLException lost) {
                    // The connection is gone, and the transaction with it; the pool finds that out by itself.
                    failed.addSuppressed(lost);
                }
                throw failed;
            }
        }
    }

    private void limitTime(Connection tx, long leftMs) throws SQLException {
        try (var set = tx.createStatement()) {
            set.execute("SET LOCAL lock_timeout = " + Math.min(leftMs, lockTimeoutMs)
                + "; SET LOCAL statement_timeout = " + leftMs);
        }
    }

    private static void send(HttpExchange exchange, Reply reply) throws IOException {
        var body = reply.body().getBytes(StandardCharsets.UTF_8);
        if (body.length > 0) {
            var type = reply.status() >= 400 ? "application/problem+json" : "application/json";
            exchange.getResponseHeaders().set("Content-Type", type);
        }
        // -1 is "no body"; 0 would be "as long as it comes".
        exchange.sendResponseHeaders(reply.status(), body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
    }
}
