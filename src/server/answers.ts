import { type Problem, problemType } from '../wire/problem.ts';

// Answers are of one moment, and none is a page.
const common: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/** An answer of JSON. */
export function jsonAnswer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  const all = { ...common, 'content-type': 'application/json; charset=utf-8', ...headers };
  return new Response(JSON.stringify(body), { status, headers: all });
}

/** An answer without a body. */
export function emptyAnswer(status: number): Response {
  return new Response(null, { status, headers: common });
}

/** A refusal. */
export function problemAnswer(problem: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  const challenge: Record<string, string> = problem.status === 401 ? { 'www-authenticate': 'Bearer' } : {};
  const again: Record<string, string> = problem.status === 503 ? { 'retry-after': '1' } : {};
  return jsonAnswer(problem.status, problem, { ...challenge, ...again, 'content-type': problemType, ...headers });
}

/** An answer of another type. */
export function textAnswer(body: string | ReadableStream<Uint8Array>, contentType: string): Response {
  return new Response(body, { headers: { ...common, 'content-type': contentType } });
}
