/** An error that the server sent, recognised by its shape: five characters of SQLSTATE and a severity. */
export interface SqlError {
  readonly code: string;
  readonly routine?: string;
  /** What we were doing; added by us. */
  readonly what?: string;
}

export function isSqlError(thrown: unknown): thrown is SqlError {
  return (
    typeof thrown === 'object' &&
    thrown !== null &&
    'severity' in thrown &&
    'code' in thrown &&
    typeof thrown.code === 'string' &&
    /^[0-9A-Z]{5}$/.test(thrown.code)
  );
}

export function hasSqlState(thrown: unknown, ...states: readonly string[]): boolean {
  return isSqlError(thrown) && states.includes(thrown.code);
}

/** Why a connection failed, in a word that cannot hold what we sent: a code such as ECONNREFUSED. */
export function whyOf(thrown: unknown): string {
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string')
    return thrown.code;
  // The one sentence of the driver that says what to do; by the whole of it, so that nothing that we sent can be in it.
  if (thrown instanceof Error && thrown.message === 'The server does not support SSL connections')
    return 'it speaks no TLS (`sslmode: disable` in estop.yaml goes without)';
  return 'the connection broke';
}
