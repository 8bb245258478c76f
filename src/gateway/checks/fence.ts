import { connectorKey, modelKey } from '../../core/scope-key.ts';
import type { FenceVerdict } from '../fence/fence.ts';
import type { Bearer } from '../fence/view.ts';
import { isListMethod } from '../mcp/methods.ts';
import { type Check, type Denial, known, type Passage, type Verdict } from '../passage.ts';
import type { Credential } from '../secrets/credential.ts';

/** First fence: a fresh lease, and no stop over the token. A token newer than the view makes the gateway renew, then is judged. */
export const checkFence: Check = (passage) => {
  const verdict = passage.host.fence.check(bearerOf(passage));
  return verdict.kind === 'newer-than-view' ? renewed(passage) : fenceDenial(verdict, false);
};

async function renewed(passage: Passage): Promise<Verdict> {
  await passage.host.renewNow();
  return fenceDenial(passage.host.fence.check(bearerOf(passage)), false);
}

/** The keys of the token, and from the moment it is known those of what it reaches for. */
export function bearerOf(passage: Passage): Bearer {
  const { claims, tool, grant, model, credential, answering, reaches = [] } = passage.facts;
  const { keys, agents, epoch } = known(claims);
  const reached = [
    ...(tool === undefined ? [] : [tool.pin.scopeKey]),
    // Lists ask several servers at once, and tell nobody anything.
    ...reaches.flatMap(({ method, scopeKey }) => (isListMethod(method) ? [] : [scopeKey])),
    ...(answering === undefined ? [] : [answering.scopeKey]),
    ...(grant === undefined ? [] : [`connector:${grant.connector}`]),
    ...credentialKeys([], credential),
    ...(model === undefined ? [] : [modelKey(model.modelId)]),
  ];
  return { keys: reached.length === 0 ? keys : [...keys, ...reached], agents, epoch };
}

/** A stop of the connector that issued what a call is made with ends the call. */
export function credentialKeys(keys: readonly string[], credential: Credential | null | undefined): readonly string[] {
  return credential?.connector === undefined ? keys : [...keys, connectorKey(credential.connector)];
}

/** A token from an epoch that the store does not know is not believed: the store may be an old one. */
export function fenceDenial(verdict: FenceVerdict, mayHaveCompleted: boolean): Denial | undefined {
  switch (verdict.kind) {
    case 'clear':
      return undefined;
    case 'dead':
      return { kind: 'stopped', stopId: verdict.stop.stopId, scopeKey: verdict.stop.scopeKey, mayHaveCompleted };
    case 'no-lease':
      return { kind: 'unavailable', code: verdict.why === 'store-restored' ? 'store-restored' : 'no-lease' };
    case 'newer-than-view':
      return { kind: 'unavailable', code: 'no-lease' };
  }
}
