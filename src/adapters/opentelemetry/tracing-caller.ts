import { context, propagation } from '@opentelemetry/api';
import type { RemoteCaller } from '../../outbound/remote-caller.ts';

/**
 * Makes calls to remote participants carry the trace of the attempt that makes them: with `telemetry.saga`, what a
 * participant does is a child of the attempt's span. Without an active trace a call carries what the saga was started with.
 *
 * @param caller what makes the calls, such as `nodeCaller()`.
 * @example
 * const caller = remoteParticipants({ 'http://stock/': () => new Response('7') });
 * tracingCaller(caller).check('http://stock/') // => undefined
 */
export function tracingCaller(caller: RemoteCaller): RemoteCaller {
  return {
    check: (url) => caller.check(url),
    call: (call) => {
      const trace: Record<string, string> = {};
      propagation.inject(context.active(), trace);
      const names = new Set(Object.keys(trace).map((name) => name.toLowerCase()));
      // What the saga was started with names the client's span: the attempt's own takes its place, in whatever case.
      const kept = Object.entries(call.headers).filter(([name]) => !names.has(name.toLowerCase()));
      return caller.call({ ...call, headers: { ...Object.fromEntries(kept), ...trace } });
    },
  };
}
