import { createHash } from 'node:crypto';
import { EstopError } from '../../core/errors.ts';
import { isEnvironment } from '../../core/ids.ts';

interface Principal {
  readonly environment: string;
  readonly epoch: number;
  readonly grantId: string;
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * The name of what is created for one grant: `estop_<environment>_e<epoch>_<hash of the grant id>`. At most 63 bytes (the limit of
 * PostgreSQL's identifiers, the tightest of any system here), of the letters a-z, 0-9 and `_` whatever the grant id holds,
 * different for each grant (100 bits). The epoch stands in it so that a coarse cut of one generation never meets another.
 * rule: generation-own-principals
 */
export function principalName({ environment, epoch, grantId }: Principal): string {
  return `${generationName(environment, epoch)}${digest(grantId, 20)}`;
}

/** What all names of this environment begin with. */
export function environmentPrefix(environment: string): string {
  if (!isEnvironment(environment))
    throw new EstopError('invalid-input', { detail: 'The environment has a name that no principal may carry.' });
  return `estop_${environment}_`;
}

/** A principal that several generations share, such as one queue of an agent: no epoch in it. */
export function sharedName(environment: string, owner: string): string {
  return `${environmentPrefix(environment)}s_${digest(owner, 20)}`;
}

/** The control identity of one connector: outside every scope, so it carries neither agent nor epoch. */
export function controlName(environment: string, connectorId: string): string {
  return `${environmentPrefix(environment)}control_${digest(connectorId, 12)}`;
}

function generationName(environment: string, epoch: number): string {
  if (!Number.isSafeInteger(epoch) || epoch < 0)
    throw new EstopError('invalid-input', { detail: 'An epoch is a whole number.' });
  return `${environmentPrefix(environment)}e${epoch}_`;
}

/** Crockford's alphabet in lower case: five bits a letter, nothing that needs quoting anywhere. */
function digest(text: string, letters: number): string {
  const bytes = createHash('sha256').update(text).digest();
  return Array.from(bytes.subarray(0, letters), (byte) => alphabet.charAt(byte & 31)).join('');
}
