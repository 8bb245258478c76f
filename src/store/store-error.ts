import { type ErrorCode, EstopError } from '../core/errors.ts';

/** Our own SQLSTATEs, raised by the migrations' functions. */
const ownStates: Readonly<Record<string, ErrorCode>> = { ES001: 'internal', ES002: 'invalid-input', ES003: 'conflict' };

const stateCodes: Readonly<Record<string, ErrorCode>> = {
  '22021': 'invalid-input', // a NUL byte in text
  '22P05': 'invalid-input', // \u0000 in JSON
  '22P02': 'invalid-input',
  '22001': 'invalid-input',
  '22003': 'invalid-input',
  '22007': 'invalid-input',
  '22008': 'invalid-input',
  '23502': 'invalid-input',
  '23514': 'invalid-input',
  '23505': 'conflict',
  '54000': 'invalid-input', // too long for an index
};

/** Classes in which the server could not do it now: connection, resources, locks and time-outs, shutdown, I/O, read-only standby. */
const unavailableClasses = new Set(['08', '25', '28', '3D', '40', '53', '55', '57', '58', 'XX']);

const unavailableNetwork = /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOENT|ENOTFOUND|EAI_)/;

/**
 * Whatever the driver threw, as one entry of the catalogue. The driver's text may hold values of rows: it stays in `cause`. What
 * is not recognised counts as unavailable on purpose: to an allow path that is a denial, to a stop a reason to try the other road.
 */
export function storeError(thrown: unknown): EstopError {
  if (thrown instanceof EstopError) return thrown; // our own class, same module: this is not the match across a process
  return new EstopError(codeOf(thrown), { cause: thrown });
}

function codeOf(thrown: unknown): ErrorCode {
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined;
  if (typeof code !== 'string') return 'store-unavailable';
  const known = ownStates[code] ?? stateCodes[code];
  if (known !== undefined) return known;
  if (unavailableNetwork.test(code) || unavailableClasses.has(code.slice(0, 2))) return 'store-unavailable';
  return /^[0-9A-Z]{5}$/.test(code) ? 'internal' : 'store-unavailable';
}

/** Classes in which another try at once would meet the same: connection, resources, shutdown, a time limit, I/O, a standby. */
const givenUpClasses = new Set(['08', '25', '28', '3D', '53', '57', '58']);

/** The server itself says that it undid the statement, for a reason that lies in what was asked: nothing of it was recorded. */
export function wasUndone(thrown: unknown): boolean {
  const state = stateOf(thrown);
  return state !== undefined && !givenUpClasses.has(state.slice(0, 2));
}

/** Undone, because a lock did not come free within the time for it. */
export const waitedInVain = (thrown: unknown): boolean => stateOf(thrown) === '55P03';

/** What the server says; not what the driver calls its own troubles. */
function stateOf(thrown: unknown): string | undefined {
  const cause = thrown instanceof EstopError ? thrown.cause : undefined; // our own class, same module, as above
  const state = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  // Each of the server's has a digit in it; `EPIPE` has as many letters as they have signs.
  return typeof state === 'string' && /^(?=.*[0-9])[0-9A-Z]{5}$/.test(state) ? state : undefined;
}
