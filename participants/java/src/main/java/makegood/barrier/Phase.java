package makegood.barrier;

/** What a call wants: the effect, its undoing, or to know whether it took place. */
public enum Phase {
    ACTION,
    COMPENSATION,
    STATUS
}
