package makegood.shipping;

import com.fasterxml.jackson.databind.JsonNode;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.Set;
import makegood.barrier.Order;
import makegood.barrier.Refusal;
import makegood.barrier.Step;

/** Books parcels with a courier, and cancels them. */
final class Shipping implements Step {
    static final String SCHEMA = """
        CREATE TABLE IF NOT EXISTS couriers (id text PRIMARY KEY, parcels bigint NOT NULL CHECK (parcels >= 0));
        CREATE TABLE IF NOT EXISTS bookings (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          saga text NOT NULL, step text NOT NULL,
          kind text NOT NULL CHECK (kind IN ('booked', 'cancelled')),
          country text NOT NULL, parcels integer NOT NULL
        );
        CREATE INDEX IF NOT EXISTS bookings_step ON bookings (saga, step);
        INSERT INTO couriers VALUES ('post', 0) ON CONFLICT DO NOTHING;
        """;

    private static final Set<String> SERVED = Set.of("AT", "BE", "DE", "FR", "NL", "PL");

    @Override
    public Map<String, String> act(Connection tx, Order order) throws SQLException {
        var country = order.input().path("country");
        var parcels = order.input().path("parcels");
        if (!country.isTextual() || !isCount(parcels)) {
            throw new Refusal("INVALID_SHIPMENT", "expected {country, parcels} with parcels an integer from 1 to 1000");
        }
        var booking = note(tx, order, "booked", country.textValue(), parcels.intValue());
        load(tx, parcels.intValue());
        if (!SERVED.contains(country.textValue())) {
            throw new Refusal("NOT_SERVED", "no courier goes to " + country.textValue());
        }
        return Map.of("tracking", "MG-" + booking);
    }

    /** Goes by what was written down and not by what the caller says: nobody may know the output of an action whose answer was lost. */
    @Override
    public Map<String, Long> undo(Connection tx, Order order) throws SQLException {
        var find = "SELECT country, parcels FROM bookings WHERE saga = ? AND step = ? AND kind = 'booked'";
        try (var select = tx.prepareStatement(find)) {
            select.setString(1, order.call().saga());
            select.setString(2, order.call().step());
            try (var booked = select.executeQuery()) {
                if (!booked.next()) throw new SQLException("expected a booking of " + order.call() + ", found none");
                load(tx, -booked.getInt("parcels"));
                return Map.of("cancellation",
                    note(tx, order, "cancelled", booked.getString("country"), booked.getInt("parcels")));
            }
        }
    }

    private static boolean isCount(JsonNode node) {
        return node.isInt() && node.intValue() >= 1 && node.intValue() <= 1000;
    }

    private static void load(Connection tx, int parcels) throws SQLException {
        try (var update = tx.prepareStatement("UPDATE couriers SET parcels = parcels + ? WHERE id = 'post'")) {
            update.setInt(1, parcels);
            update.executeUpdate();
        }
    }

    private static long note(Connection tx, Order order, String kind, String country, int parcels) throws SQLException {
        var sql = "INSERT INTO bookings (saga, step, kind, country, parcels) VALUES (?, ?, ?, ?, ?) RETURNING id";
        try (var insert = tx.prepareStatement(sql)) {
            insert.setString(1, order.call().saga());
            insert.setString(2, order.call().step());
            insert.setString(3, kind);
            insert.setString(4, country);
            insert.setInt(5, parcels);
            try (var id = insert.executeQuery()) {
                id.next();
                return id.getLong(1);
            }
        }
    }
}
