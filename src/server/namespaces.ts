/**
 * Sagas of one namespace are those whose ids begin with its name and a colon. A credential that is bound to a namespace names
 * every saga inside it, whatever it writes: `order-1` is `acme:order-1`, and so is `acme:order-1`. What stands outside has no
 * name that it could say.
 */
import type { Principal } from '../wire/authenticator.ts';

/** What the ids begin with that a principal can see; `undefined`: all of them. */
export function prefixOf({ namespace }: Principal): string | undefined {
  return namespace === undefined ? undefined : `${namespace}:`;
}

/** The id that a principal means. */
export function ownId(principal: Principal, id: string): string {
  const prefix = prefixOf(principal);
  return prefix === undefined || id.startsWith(prefix) ? id : `${prefix}${id}`;
}

/** Whether a principal can see a saga of this id. */
export function sees(principal: Principal, id: string): boolean {
  const prefix = prefixOf(principal);
  return prefix === undefined || id.startsWith(prefix);
}

/** The namespace that a saga belongs to; `''`: none, or none of which anybody says so. */
export function namespaceOf(id: string): string {
  const colon = id.indexOf(':');
  return colon < 0 ? '' : id.slice(0, colon);
}
