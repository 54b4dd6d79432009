import { judgeParticipant } from './judge-participant.ts';

judgeParticipant({
  language: 'java',
  path: '/ship',
  input: { country: 'DE', parcels: 1 },
  // The booking is written before the country is found not to be served.
  refusedInput: { country: 'AQ', parcels: 1 },
  // The compiler has every lint on, each an error (pom.xml).
  checks: [['mvn', '-q', '-B', '-Dout=/tmp/makegood-participants/java-unit', 'test']],
});
