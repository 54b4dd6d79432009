import { isReservedHeader } from '../outbound/remote-request.ts';
import { ProblemError } from '../wire/problem.ts';

// RFC 9110 §5.6.2 "Tokens"; §5.5 "Field Values", without obsolete text.
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;
const headerValue = /^[\t\x20-\x7e\x80-\xff]{0,8192}$/;

/** Refuses headers that the protocol sets itself, and such as cannot be sent. */
export function checkHeaders(headers: Readonly<Record<string, string>> | undefined, path: string): void {
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (headerName.test(name) && headerValue.test(value) && !isReservedHeader(name)) continue;
    const what = `header ${JSON.stringify(name.slice(0, 80))} is reserved, or has characters that no header may have`;
    throw new ProblemError('reserved-header', `${what}; nothing was stored`, { errors: [{ path, message: what }] });
  }
}
