import type { ApprovalGround } from '../../store/approvals.ts';
import type { Caller } from '../sign-in/callers.ts';
import { tokenApprover } from './listed-approvers.ts';

/**
 * What it rests on that this caller may approve, for the moment at which the approval is redeemed. What comes of a token of tokens.json
 * rests on that token; the row that the ledger keeps of such a person says nothing of what the token gives now.
 */
export function groundOf({ actor, personId, tokenId, elevation, basis, listedAs }: Caller): ApprovalGround {
  const listed = listedAs ?? (basis === undefined ? undefined : tokenApprover(basis));
  return {
    ...(listed === undefined ? {} : { listed }),
    ...(listedAs === undefined ? {} : { named: actor }),
    ...(tokenId === undefined ? {} : { apiToken: tokenId }),
    ...(personId === undefined || basis !== undefined ? {} : { person: personId }),
    ...(elevation === undefined ? {} : { elevation: elevation.elevationId }),
  };
}
