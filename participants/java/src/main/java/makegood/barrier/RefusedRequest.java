package makegood.barrier;

/** A request that is answered before anything was done. */
final class RefusedRequest extends Exception {
    private static final long serialVersionUID = 1;

    private final transient Reply reply;

    RefusedRequest(int status, String code, String message) {
        super(message);
        this.reply = Json.problem(status, code, message);
    }

    Reply reply() {
        return reply;
    }
}
