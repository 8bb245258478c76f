/**
 * The one catalogue of errors. `status` is what HTTP answers, `retry` what an activity boundary does with it, `title` the
 * PUBLIC text: it may reach a client, a log or a terminal, so it never holds data. `detail` is for operators who may see it,
 * `cause` for the log alone. Match by `code`, never by class: class identity is lost across processes and isolates.
 */
export type Retry = 'never' | 'backoff' | 'after';

interface ErrorEntry {
  readonly status: number;
  readonly retry: Retry;
  readonly title: string;
}

export const errorCatalogue = {
  'invalid-input': { status: 422, retry: 'never', title: 'The request is not valid.' },
  'invalid-json': { status: 400, retry: 'never', title: 'The body is not valid JSON.' },
  'body-too-large': { status: 413, retry: 'never', title: 'The body is larger than this endpoint accepts.' },
  'busy': {
    status: 503,
    retry: 'after',
    title: 'Too much of this agent is in hand here; send it again when some of it is done.',
  },
  'unauthenticated': { status: 401, retry: 'never', title: 'A valid token is required.' },
  'foreign-environment': { status: 401, retry: 'never', title: 'This token belongs to another environment.' },
  'forbidden': { status: 403, retry: 'never', title: 'This identity may not do that.' },
  'not-found': { status: 404, retry: 'never', title: 'There is nothing by that name here.' },
  'unknown-agent': { status: 404, retry: 'never', title: 'No agent of that id is registered.' },
  'unknown-task': { status: 404, retry: 'never', title: 'No task of that id is registered.' },
  'unknown-stop': { status: 404, retry: 'never', title: 'No stop of that id is recorded.' },
  'unknown-obligation': { status: 404, retry: 'never', title: 'No obligation of that id is recorded.' },
  'unknown-tool': { status: 404, retry: 'never', title: 'No such definition of a tool is recorded.' },
  'unknown-approval': { status: 404, retry: 'never', title: 'No approval of that id is recorded.' },
  'origin-refused': { status: 403, retry: 'never', title: 'This host name or origin may not call here.' },
  'unsupported-media-type': { status: 415, retry: 'never', title: 'This endpoint takes application/json.' },
  'stop-elsewhere': {
    status: 421,
    retry: 'never',
    title: 'Stops are taken by the stop process, which depends on nothing here.',
  },
  'unreachable': { status: 503, retry: 'backoff', title: 'The server cannot be reached.' },
  'bad-answer': { status: 502, retry: 'never', title: 'The server gave an answer that is not of this API.' },
  'method-not-allowed': { status: 405, retry: 'never', title: 'This method is not allowed here.' },
  'stopped': { status: 409, retry: 'never', title: 'A stop covers this; it admits nothing until it is reset.' },
  'held': { status: 409, retry: 'after', title: 'This is held; it goes on when it is released.' },
  'conflict': { status: 409, retry: 'never', title: 'The current state does not allow that.' },
  'not-fenced': { status: 409, retry: 'after', title: 'The stop is not fenced yet; a reset must wait for it.' },
  'target-busy': {
    status: 409,
    retry: 'backoff',
    title: 'An earlier generation still has open access at this target.',
  },
  'needs-second-person': { status: 409, retry: 'never', title: 'A second person must confirm this.' },
  'idempotency-mismatch': { status: 422, retry: 'never', title: 'This Idempotency-Key was used for another request.' },
  'idempotency-in-flight': {
    status: 409,
    retry: 'after',
    title: 'A request with this Idempotency-Key is still running.',
  },
  'limit-exceeded': { status: 409, retry: 'never', title: 'A configured limit forbids that.' },
  'approval-not-eligible': { status: 403, retry: 'never', title: 'This identity may not decide this approval.' },
  'approval-unseen': {
    status: 409,
    retry: 'after',
    title: 'A call of the highest risk is approved by whoever has looked at it for a few seconds.',
  },
  'approval-closed': { status: 409, retry: 'never', title: 'This approval is closed.' },
  'config-invalid': { status: 422, retry: 'never', title: 'The configuration is not valid.' },
  'secret-missing': {
    status: 500,
    retry: 'backoff',
    title: 'A secret that the configuration refers to cannot be read.',
  },
  'key-unknown': { status: 500, retry: 'never', title: 'No key of that key id is held here.' },
  'sealed-data-invalid': { status: 500, retry: 'never', title: 'Sealed data does not open with the key it names.' },
  'credential-shared': {
    status: 409,
    retry: 'never',
    title: 'One credential may not stand for two agents unless the configuration says so.',
  },
  'store-unavailable': { status: 503, retry: 'backoff', title: 'The store cannot be reached.' },
  'store-restored': {
    status: 503,
    retry: 'never',
    title: 'The store is older than what was already seen; it is refused.',
  },
  'provider-unavailable': { status: 503, retry: 'backoff', title: 'The identity provider cannot be reached.' },
  'temporal-unavailable': { status: 503, retry: 'backoff', title: 'Temporal cannot be reached.' },
  'no-lease': { status: 503, retry: 'after', title: 'This gateway has no fresh lease and admits nothing.' },
  'upstream-unavailable': { status: 502, retry: 'backoff', title: 'The upstream server cannot be reached.' },
  'upstream-timeout': { status: 504, retry: 'backoff', title: 'The upstream server did not answer in time.' },
  'upstream-refused': { status: 502, retry: 'backoff', title: 'The upstream server refused.' },
  'connector-unavailable': { status: 503, retry: 'backoff', title: 'The external system cannot be reached.' },
  'connector-refused': { status: 502, retry: 'backoff', title: 'The external system refused our own credential.' },
  'connector-garbage': {
    status: 502,
    retry: 'backoff',
    title: 'The external system gave an answer that cannot be read.',
  },
  'address-refused': { status: 422, retry: 'never', title: 'This address is not an allowed target.' },
  'state-folder-in-use': { status: 409, retry: 'never', title: 'Another estop already runs in this folder.' },
  'part-missing': { status: 500, retry: 'never', title: 'A part that estop needs is not installed.' },
  'part-failed': { status: 500, retry: 'never', title: 'A part that estop started did not come up.' },
  'internal': { status: 500, retry: 'backoff', title: 'Something went wrong inside estop.' },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalogue;

export interface FieldError {
  /** RFC 6901 pointer into the body, or a parameter's name. */
  readonly pointer: string;
  readonly message: string;
}

interface ErrorOptions {
  readonly detail?: string;
  readonly fields?: readonly FieldError[];
  readonly cause?: unknown;
  readonly retryAfterMs?: number;
}

export class EstopError extends Error {
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly fields: readonly FieldError[];
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, options: ErrorOptions = {}) {
    super(options.detail ?? errorCatalogue[code].title, { cause: options.cause });
    this.name = 'EstopError';
    this.code = code;
    this.detail = options.detail;
    this.fields = options.fields ?? [];
    this.retryAfterMs = options.retryAfterMs;
  }
}

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(errorCatalogue, text);
}

/** The code of anything thrown; what did not come from the catalogue is `internal`, so that nothing unknown looks harmless. */
export function errorCodeOf(thrown: unknown): ErrorCode {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return 'internal';
  return isErrorCode(thrown.code) ? thrown.code : 'internal';
}
