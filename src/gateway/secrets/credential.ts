import { EstopError } from '../../core/errors.ts';

/** What one call is made with. Its value is in no property: neither a log nor an error that shows this object shows it. */
export class Credential {
  readonly #value: string;
  /** Issued to the task through this connector: a stop of the connector ends calls that are made with it. */
  readonly connector: string | undefined;

  constructor(value: string, connector?: string) {
    // A header with a line in it would be two; node would refuse it with an error of its own.
    if (!/^[\x21-\x7e]+$/.test(value)) throw new EstopError('secret-missing', { detail: 'it is no bearer token' });
    this.#value = value;
    this.connector = connector;
  }

  get header(): string {
    return `Bearer ${this.#value}`;
  }
}
