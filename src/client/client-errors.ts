import { MakegoodError } from '../errors.ts';
import type { Problem, ProblemCode } from '../wire/problem.ts';

/** The server answered that it will not do it; nothing was changed. `problem.code` says why. */
export class ServerRefusedError extends MakegoodError {
  readonly status: number;
  readonly problem: Problem;

  constructor(problem: Problem) {
    super('MAKEGOOD_SERVER_REFUSED', `the server answered ${problem.status} ${problem.code}: ${problem.detail}`);
    this.status = problem.status;
    this.problem = problem;
  }

  /** Whether this is why. */
  is(code: ProblemCode): boolean {
    return this.problem.code === code;
  }
}

/** The server cannot be reached, or what answers is none. Whether it did what was asked is not known. */
export class ServerUnreachableError extends MakegoodError {
  readonly url: string;

  constructor(url: string, why: string, options?: ErrorOptions) {
    super('MAKEGOOD_SERVER_UNREACHABLE', `the server at ${url} cannot be reached: ${why}`, options);
    this.url = url;
  }
}
