import { prometheus } from 'makegood/adapters/prometheus';
import { retry } from 'makegood/retry';

const metrics = prometheus();
await retry(async () => 'done', { name: 'page', observer: metrics.observer });

const response = metrics.response(); // for GET /metrics
const lines = (await response.text()).split('\n');
console.log(lines.find((line) => line.startsWith('makegood_attempts_total')));
// prints: makegood_attempts_total{makegood_operation_name="page",makegood_attempt_outcome="success"} 1
