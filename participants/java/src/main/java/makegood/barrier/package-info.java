/**
 * Lets the actions and compensations that a coordinator of makegood calls take effect once and in the right order. Each step of
 * each saga has one row in the service's own PostgreSQL, written in the transaction in which the business writes.
 */
package makegood.barrier;
