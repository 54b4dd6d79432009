package makegood.barrier;

/** What is answered, and what a duplicate is answered again. An empty body is none. */
public record Reply(int status, String body) {}
