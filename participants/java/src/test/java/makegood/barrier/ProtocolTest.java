package makegood.barrier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/** The cases that every language decides alike. */
class ProtocolTest {
    private static JsonNode readCases(String name) throws IOException {
        var cases = new ObjectMapper().readTree(Path.of("../protocol", name).toFile());
        assertTrue(cases.size() > 10, name);
        return cases;
    }

    private static Reply reply(JsonNode said) {
        return said.isMissingNode() || said.isNull() ? null : new Reply(said.path("status").intValue(), said.path("body").textValue());
    }

    private static Row row(JsonNode said) {
        if (said.isNull()) return null;
        var state = Row.State.valueOf(said.path("action").textValue().toUpperCase(Locale.ROOT));
        return new Row(said.path("epoch").longValue(), state, reply(said.path("actionReply")), reply(said.path("undoneReply")));
    }

    private static Phase phase(JsonNode said) {
        return Phase.valueOf(said.textValue().toUpperCase(Locale.ROOT));
    }

    @Test
    void decidesAsTheProtocolSays() throws IOException {
        for (var one : readCases("decide-barrier.json")) {
            var got = Verdict.of(row(one.path("row")), phase(one.path("phase")), one.path("epoch").longValue());
            var wanted = one.path("verdict");
            var message = one.toString();
            switch (wanted.path("kind").textValue()) {
                case "run" -> assertEquals(new Verdict.Run(), got, message);
                case "nothing-to-undo" -> assertEquals(new Verdict.NothingToUndo(), got, message);
                case "not-applied" -> assertEquals(new Verdict.NotApplied(), got, message);
                case "replay" -> assertEquals(new Verdict.Replay(reply(wanted.path("reply"))), got, message);
                default -> assertEquals(wanted.path("code").textValue(), ((Verdict.Refuse) got).code(), message);
            }
        }
    }

    @Test
    void readsHeadersAsTheProtocolSays() throws Exception {
        for (var one : readCases("call-headers.json")) {
            var headers = one.path("headers");
            if (one.has("refused")) {
                var refused = assertThrows(RefusedRequest.class,
                    () -> Call.read(name -> headers.path(name).textValue()), one::toString);
                assertEquals(one.path("refused").intValue(), refused.reply().status(), one.toString());
                continue;
            }
            var got = Call.read(name -> headers.path(name).textValue());
            var wanted = one.path("call");
            var deadline = wanted.path("deadlineMs");
            assertEquals(
                new Call(wanted.path("saga").textValue(), wanted.path("step").textValue(), phase(wanted.path("phase")),
                    wanted.path("epoch").longValue(), wanted.path("attempt").longValue(), got.key(),
                    deadline.isNull() ? null : Long.valueOf(deadline.longValue())),
                got);
        }
    }

    @Test
    void readsBodiesAsTheProtocolSays() throws Exception {
        for (var one : readCases("bodies.json")) {
            var body = one.path("body").textValue().getBytes(StandardCharsets.UTF_8);
            if (one.path("refused").isNull()) {
                Call.checkType(one.path("type").textValue());
                assertNotNull(Json.read(body), one.toString());
                continue;
            }
            var refused = assertThrows(RefusedRequest.class, () -> {
                Call.checkType(one.path("type").textValue());
                Json.read(body);
            }, one::toString);
            assertEquals(one.path("refused").intValue(), refused.reply().status(), one.toString());
        }
    }

    @Test
    void aBodyInAnotherEncodingIsRefused() {
        for (var body : new byte[][] {{'"', (byte) 0xff, '"'}, "{}".getBytes(StandardCharsets.UTF_16)}) {
            assertThrows(RefusedRequest.class, () -> Json.read(body));
        }
    }
}
