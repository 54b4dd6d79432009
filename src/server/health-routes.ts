import { openApi } from '../wire/openapi.ts';
import { problemOf } from '../wire/problem.ts';
import { jsonAnswer, problemAnswer, textAnswer } from './answers.ts';
import type { Route } from './route.ts';

// Prometheus, "Exposition formats", text-based format 0.0.4.
const metricsType = 'text/plain; version=0.0.4; charset=utf-8';

/** `GET /healthz`: whoever answers, lives. */
export const getLiveness: Route = () => jsonAnswer(200, { status: 'alive' });

/** `GET /readyz`. */
export const getReadiness: Route = ({ feed, closing }) => {
  if (closing.aborted) return problemAnswer(problemOf('shutting-down', 'the server is shutting down'));
  if (feed.ready) return jsonAnswer(200, { status: 'ready' });
  const why = feed.failure === undefined ? 'recovery is not done' : 'the log has refused a record';
  return problemAnswer(problemOf('not-ready', `the server takes no sagas now: ${why}`));
};

/** `GET /metrics`. */
export const getMetrics: Route = ({ metrics }) => textAnswer(metrics?.() ?? '', metricsType);

/** `GET /v1/openapi.json`. */
export const getDocument: Route = ({ version }) => jsonAnswer(200, openApi(version));
