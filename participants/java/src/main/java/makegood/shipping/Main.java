package makegood.shipping;

import com.sun.net.httpserver.HttpServer;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import makegood.barrier.Participant;
import makegood.barrier.Rows;

/**
 * The shipping service as a process. PORT (default 8083) and HOST (default 127.0.0.1) say where it listens, DATABASE_URL where
 * its PostgreSQL is. With EFFECTS_VIEW=on it counts its effects at /effects, for the conformance kit.
 */
public final class Main {
    private static final int CONNECTIONS = 8;

    private Main() {}

    public static void main(String[] arguments) {
        try {
            serve();
        } catch (Exception failed) {
            failed.printStackTrace();
            // Not exit(): the end in order waits for a server that has not come to be.
            Runtime.getRuntime().halt(1);
        }
    }

    private static void serve() throws Exception {
        // The server that Java brings is set by properties: an answer must not wait for the acknowledgement of its own head,
        // and a caller that stops in the middle must not hold a thread for ever.
        System.setProperty("sun.net.httpserver.nodelay", "true");
        System.setProperty("sun.net.httpserver.maxReqTime", "30");
        System.setProperty("sun.net.httpserver.idleInterval", "60");
        var pool = openPool(System.getenv("DATABASE_URL"));
        try (var connection = pool.getConnection(); var statement = connection.createStatement()) {
            statement.execute(Rows.SCHEMA + Shipping.SCHEMA);
            connection.commit();
        }
        var address = new InetSocketAddress(InetAddress.getByName(setting("HOST", "127.0.0.1")),
            Integer.parseInt(setting("PORT", "8083")));
        var server = HttpServer.create();
        var workers = Executors.newFixedThreadPool(4 * CONNECTIONS);
        server.setExecutor(workers);
        var participant = new Participant(pool, Map.of("ship", new Shipping()), 2000);
        server.createContext("/", participant);
        if (setting("EFFECTS_VIEW", "off").equals("on")) server.createContext("/effects", new EffectsView(pool));
        // Before anybody can know that it is there, and ask it to end.
        var asked = new CountDownLatch(1);
        var ended = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> endInOrder(asked, ended)));
        server.bind(address, 128);
        server.start();
        System.err.println("shipping listens on " + address);
        asked.await();
        // Whoever comes later is refused a connection and asks again. stop() returns when an exchange has ended, and waits
        // for all of its time when there is none.
        server.stop(participant.atWork() > 0 ? 10 : 0);
        workers.shutdown();
        pool.close();
        ended.countDown();
    }

    /** Runs when the process is asked to end; a signal by itself would make its status 143, though all went as it should. */
    private static void endInOrder(CountDownLatch asked, CountDownLatch ended) {
        asked.countDown();
        try {
            ended.await();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        Runtime.getRuntime().halt(0);
    }

    /** A URL as every other language has it, postgresql://user:password@host:port/name, said in the words of JDBC. */
    private static HikariDataSource openPool(String url) {
        var uri = URI.create(url);
        var config = new HikariConfig();
        var port = uri.getPort() < 0 ? 5432 : uri.getPort();
        var query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
        config.setJdbcUrl("jdbc:postgresql://" + uri.getHost() + ":" + port + uri.getRawPath() + query);
        if (uri.getUserInfo() != null) {
            var user = uri.getUserInfo().split(":", 2);
            config.setUsername(user[0]);
            if (user.length > 1) config.setPassword(user[1]);
        }
        config.setAutoCommit(false);
        config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
        config.setMaximumPoolSize(CONNECTIONS);
        config.setConnectionTimeout(5000);
        return new HikariDataSource(config);
    }

    private static String setting(String name, String otherwise) {
        var value = System.getenv(name);
        return value == null || value.isEmpty() ? otherwise : value;
    }
}
