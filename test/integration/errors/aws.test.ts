// Errors of the AWS SDK, from a local server that answers as AWS does. Its own retries are off.
import { createServer, type ServerResponse } from 'node:http';
import { ListQueuesCommand, SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs';
import { byStatus } from 'makegood/predicate';
import { expect, onTestFinished, test } from 'vitest';
import { closedPort, failureOf, kindOf, listening } from './provoke.ts';

function list(port: number, config: SQSClientConfig = {}, abortSignal?: AbortSignal): Promise<unknown> {
  const client = new SQSClient({
    region: 'eu-west-1',
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    maxAttempts: 1,
    ...config,
  });
  onTestFinished(() => client.destroy());
  return client.send(new ListQueuesCommand({}), abortSignal === undefined ? {} : { abortSignal });
}

async function awsServer(answer: (response: ServerResponse) => void): Promise<number> {
  const server = createServer((request, response) => void request.resume().on('end', () => answer(response)));
  onTestFinished(() => server.closeAllConnections());
  return listening(server);
}

const answering = (status: number, type: string): Promise<number> =>
  awsServer((response) => {
    const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-errortype': type };
    response.writeHead(status, headers).end(JSON.stringify({ __type: type, message: 'as told' }));
  });

test.each([
  'BandwidthLimitExceeded',
  'EC2ThrottledException',
  'PriorRequestNotComplete',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'com.amazonaws.sqs#RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'TransactionInProgressException',
])('throttling is transient, though its status is 400: %s', async (type) => {
  expect(await kindOf(list(await answering(400, type)))).toBe('transient');
});

test.each(['RequestTimeout', 'RequestTimeoutException'])('%s is a time-out', async (type) => {
  expect(await kindOf(list(await answering(400, type)))).toBe('timeout');
});

test.each([
  [403, 'InvalidClientTokenId'],
  [403, 'AccessDeniedException'],
  [400, 'com.amazonaws.sqs#QueueDoesNotExist'],
  [400, 'LimitExceededException'],
  [500, 'InternalFailure'],
])('a definite refusal is not transient: %d %s', async (status, type) => {
  const error = await failureOf(list(await answering(status, type)));
  expect([byStatus(status)(error), await kindOf(Promise.reject(error as Error))]).toEqual([true, 'no']);
});

test('503 and 429 are transient, by the status in the metadata', async () => {
  expect(await kindOf(list(await answering(503, 'ServiceUnavailable')))).toBe('transient');
  expect(await kindOf(list(await answering(429, 'Whatever')))).toBe('transient');
});

test('an error that the model of its service calls retryable is transient', async () => {
  const error = await failureOf(list(await answering(400, 'OddException')));
  expect(await kindOf(Promise.reject(error as Error))).toBe('no');
  // SQS has no such error; those of other services carry this trait (smithy.api#retryable).
  expect(await kindOf(Promise.reject(Object.assign(error as Error, { $retryable: { throttling: true } })))).toBe(
    'transient',
  );
});

test('no server, one that hangs up, one that is silent: transient, the last two as time-outs', async () => {
  expect(await kindOf(list(await closedPort()))).toBe('transient');
  // The SDK calls a connection that was reset a TimeoutError.
  expect(await kindOf(list(await awsServer((response) => response.socket?.destroy())))).toBe('timeout');
  const impatient = { requestHandler: { requestTimeout: 50, throwOnRequestTimeout: true } };
  expect(await kindOf(list(await awsServer(() => {}), impatient))).toBe('timeout');
});

test('a cancelled call is an abort', async () => {
  const controller = new AbortController();
  const calling = kindOf(list(await awsServer(() => controller.abort()), {}, controller.signal));
  expect(await calling).toBe('abort');
});
