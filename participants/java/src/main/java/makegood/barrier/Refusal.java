package makegood.barrier;

/** An action says no for certain: nothing was applied, and nothing will be. It is kept and answered again. */
public final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final String code;

    public Refusal(String code, String message) {
        super(message);
        this.code = code;
    }

    public String code() {
        return code;
    }
}
