package makegood.barrier;

import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * Which call a request is, as its headers say.
 *
 * @param epoch grows with every coordinator that takes the saga over; a lower one has been replaced
 * @param attempt 1 for the first
 * @param key equal on every attempt; hand it on to whomever you call
 * @param deadlineMs what the caller leaves; null when it does not say
 */
public record Call(String saga, String step, Phase phase, long epoch, long attempt, String key, Long deadlineMs) {
    // Nothing that needs quoting in a URL, a header or a log is let in. Long.parseLong alone would take "+1" and digits of
    // other scripts.
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.~:@-]{1,200}");
    private static final Pattern COUNT = Pattern.compile("[0-9]{1,15}");
    private static final Pattern JSON_TYPE =
        Pattern.compile("application/(?:[\\w.+-]+\\+)?json\\s*(?:;.*)?", Pattern.CASE_INSENSITIVE);

    /**
     * Reads the headers; {@code ../protocol/call-headers.json} has what is taken and what is refused.
     *
     * @param header gives one by its name, null when it was not sent, values that were sent apart joined with commas
     */
    static Call read(UnaryOperator<String> header) throws RefusedRequest {
        var phase = readPhase(header.apply("Makegood-Phase"));
        var saga = readName(header, "Makegood-Saga");
        var step = readName(header, "Makegood-Step");
        var key = header.apply("Idempotency-Key");
        var wanted = saga + "/" + step + (phase == Phase.COMPENSATION ? "/compensation" : "/action");
        if (!wanted.equals(key)) throw bad("Idempotency-Key", wanted, key);
        var epoch = readCount(header, "Makegood-Epoch", 0);
        var attempt = readCount(header, "Makegood-Attempt", 1);
        var deadline = header.apply("Makegood-Deadline") == null ? null : readCount(header, "Makegood-Deadline", 0);
        return new Call(saga, step, phase, epoch, attempt, key, deadline);
    }

    static void checkType(String contentType) throws RefusedRequest {
        if (contentType == null || !JSON_TYPE.matcher(contentType).matches()) {
            throw new RefusedRequest(415, "not-json", "expected a body of application/json, got " + shown(contentType));
        }
    }

    private static Phase readPhase(String text) throws RefusedRequest {
        return switch (text == null ? "" : text) {
            case "action" -> Phase.ACTION;
            case "compensation" -> Phase.COMPENSATION;
            case "status" -> Phase.STATUS;
            default -> throw bad("Makegood-Phase", "action, compensation or status", text);
        };
    }

    private static String readName(UnaryOperator<String> header, String name) throws RefusedRequest {
        var text = header.apply(name);
        var fits = text != null && NAME.matcher(text).matches() && !text.equals(".") && !text.equals("..");
        if (fits) return text;
        throw bad(name, "1 to 200 of A-Z a-z 0-9 _ . ~ : @ -", text);
    }

    private static long readCount(UnaryOperator<String> header, String name, long least) throws RefusedRequest {
        var text = header.apply(name);
        if (text != null && COUNT.matcher(text).matches() && Long.parseLong(text) >= least) return Long.parseLong(text);
        throw bad(name, "an integer of at least " + least, text);
    }

    private static RefusedRequest bad(String name, String wanted, String got) {
        return new RefusedRequest(400, "bad-header", "expected " + name + " to be " + wanted + ", got " + shown(got));
    }

    private static String shown(String text) {
        return text == null ? "none" : '"' + text.substring(0, Math.min(80, text.length())) + '"';
    }
}
