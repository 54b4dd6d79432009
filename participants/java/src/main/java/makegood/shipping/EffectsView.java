package makegood.shipping;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import javax.sql.DataSource;

/** Counts how often the business of a step took effect, from the business's own table; for the conformance kit. */
record EffectsView(DataSource pool) implements HttpHandler {
    private static final String COUNT = """
        SELECT count(*) FILTER (WHERE kind = 'booked'), count(*) FILTER (WHERE kind = 'cancelled')
        FROM bookings WHERE saga = ? AND step = ?""";

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        try (exchange; var connection = pool.getConnection(); var select = connection.prepareStatement(COUNT)) {
            select.setString(1, parameter(exchange, "saga"));
            select.setString(2, parameter(exchange, "step"));
            try (var found = select.executeQuery()) {
                found.next();
                var body = "{\"applied\":%d,\"undone\":%d}".formatted(found.getInt(1), found.getInt(2)).getBytes();
                exchange.getResponseHeaders().set("Content-Type", "application/json");
                exchange.sendResponseHeaders(200, body.length);
                exchange.getResponseBody().write(body);
            }
        } catch (SQLException failed) {
            throw new IOException(failed);
        }
    }

    private static String parameter(HttpExchange exchange, String name) {
        for (var part : exchange.getRequestURI().getRawQuery().split("&")) {
            if (part.startsWith(name + "=")) return URLDecoder.decode(part.substring(name.length() + 1), StandardCharsets.UTF_8);
        }
        return "";
    }
}
