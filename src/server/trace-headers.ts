// W3C Trace Context, §3.2.2: version 00 and whatever later ones add behind it; ids of zeros alone name nothing.
const traceParent = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;
const companions = ['tracestate', 'baggage'] as const;
const longest = 8192;

/**
 * The headers that a saga is started with, and the trace of the request that started it: its calls belong to that trace,
 * also after a crash. A saga that names a trace itself keeps its own.
 */
export function withTrace(
  given: Readonly<Record<string, string>> | undefined,
  request: Headers,
): Readonly<Record<string, string>> | undefined {
  const parent = request.get('traceparent') ?? '';
  const names = new Set(Object.keys(given ?? {}).map((name) => name.toLowerCase()));
  if (!traceParent.test(parent) || parent.length > longest || names.has('traceparent')) return given;
  const headers: Record<string, string> = { traceparent: parent, ...given };
  for (const name of companions) {
    const value = request.get(name);
    if (value !== null && value.length <= longest && !names.has(name)) headers[name] = value;
  }
  return headers;
}
