import type { GrantHandle, GrantSecret, LedgerGrant } from '../connectors/kit/contract.ts';
import type { Sealer } from '../contract/identity.ts';
import { EstopError } from '../core/errors.ts';
import type { LaneGrant } from '../store/lane-record.ts';

/** Opens what is sealed, here and nowhere earlier: the credential exists in clear only while one attempt runs. */
export function toLedgerGrant(grant: LaneGrant, environment: string, sealer: Sealer): LedgerGrant {
  const { grantId, agentId, taskId, epoch, target, absoluteEnd, state } = grant;
  const secret =
    grant.sealed === undefined ? undefined : parseFlat(new TextDecoder().decode(sealer.open(grant.sealed, grantId)));
  return {
    grantId,
    environment,
    agentId,
    taskId,
    epoch,
    target,
    absoluteEnd,
    state,
    handle: grant.handle,
    secret,
  };
}

type Flat = GrantHandle & GrantSecret;

const parseFlat = (text: string): Flat => asFlat(JSON.parse(text));

/** Handles and secrets are flat by contract; what is not was not written by us. Never quotes what it saw. */
function asFlat(value: unknown): Flat {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new EstopError('sealed-data-invalid');
  const entries = Object.entries(value).map(([key, member]): [string, string | number | boolean | null] => {
    if (member === null || typeof member === 'string' || typeof member === 'number' || typeof member === 'boolean')
      return [key, member];
    throw new EstopError('sealed-data-invalid');
  });
  return Object.fromEntries(entries);
}
