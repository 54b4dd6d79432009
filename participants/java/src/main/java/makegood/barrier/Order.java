package makegood.barrier;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * One order of a saga to this service: do, or undo, this.
 *
 * @param input the step's input, yours to check
 * @param output for a compensation, what the action answered; a missing node when nobody knows whether it took effect
 */
public record Order(Call call, JsonNode input, JsonNode output) {}
