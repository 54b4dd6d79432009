/** Signatures of webhooks, as the Standard Webhooks specification 1.0 has them: receivers need no code of ours. */
import { createHmac } from 'node:crypto';
import type { SignWebhook } from '../../outbound/webhook-signer.ts';

const prefix = 'whsec_';
// The specification asks for 24 to 64 bytes.
const [fewestBytes, mostBytes] = [24, 64];

function keyOf(secret: string): Buffer {
  const text = secret.trim();
  const encoded = text.startsWith(prefix) ? text.slice(prefix.length) : '';
  const key = Buffer.from(encoded, 'base64');
  // The secret is not shown: what is wrong with it may be that it is somebody else's.
  if (key.length < fewestBytes || key.length > mostBytes || key.toString('base64') !== encoded)
    throw new TypeError(`Expected the secret to be ${prefix} and the base64 of ${fewestBytes} to ${mostBytes} bytes`);
  return key;
}

/**
 * Signs webhooks with a secret that their receiver shares: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.
 *
 * @param secret `whsec_` and the base64 of 24 to 64 bytes.
 * @throws {TypeError} when it is none.
 * @see Standard Webhooks 1.0, "Symmetric signatures".
 * @example
 * const sign = webhookSignature('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
 * sign({ id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1614265330, body: '{"test": 2432232314}' })
 * // => 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
 */
export function webhookSignature(secret: string): SignWebhook {
  const key = keyOf(secret);
  return ({ id, timestamp, body }) =>
    `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}
