package makegood.barrier;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** JSON as the protocol has it: UTF-8, one value, at most 64 levels deep. */
public final class Json {
    private static final int DEEPEST = 64;
    // A reply is kept in a row for as long as the saga may come back; what is larger belongs into a table of its own.
    private static final int LONGEST_OUTPUT = 1 << 20;

    private static final ObjectMapper MAPPER = new ObjectMapper(JsonFactory.builder()
        .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(DEEPEST).build())
        .build()).enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private Json() {}

    static JsonNode read(byte[] body) throws RefusedRequest {
        String text;
        try {
            // Jackson by itself would take UTF-16 and UTF-32 as well.
            text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString();
        } catch (CharacterCodingException broken) {
            throw new RefusedRequest(400, "unreadable", "the body is not UTF-8");
        }
        try {
            var value = MAPPER.readTree(text);
            if (value != null && !value.isMissingNode()) return value;
        } catch (StreamConstraintsException beyond) {
            throw new RefusedRequest(422, "too-deep", "the body is nested deeper than " + DEEPEST);
        } catch (JsonProcessingException broken) {
            // What is wrong with it stands in the answer.
        }
        throw new RefusedRequest(400, "unreadable", "the body is not JSON");
    }

    /** The reply of a call that is done; null is no output. */
    static Reply output(Object output) throws JsonProcessingException {
        if (output == null) return new Reply(204, "");
        var body = MAPPER.writeValueAsString(output);
        if (body.length() > LONGEST_OUTPUT) {
            throw new IllegalArgumentException(
                "expected the output to have at most " + LONGEST_OUTPUT + " characters of JSON, got " + body.length());
        }
        return new Reply(200, body);
    }

    /** A problem document (RFC 9457) with a stable code. */
    static Reply problem(int status, String code, String message) {
        var said = MAPPER.createObjectNode().put("type", "about:blank").put("status", status).put("title", message)
            .put("code", code).put("message", message);
        return new Reply(status, said.toString());
    }
}
