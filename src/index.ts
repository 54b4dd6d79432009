export { isMakegoodError, MakegoodError, type MakegoodErrorCode } from './errors.ts';
