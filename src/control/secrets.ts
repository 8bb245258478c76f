import { type CredentialUse, credentialUses, secretUses, wronglyShared } from '../contract/credential-use.ts';
import type { Secret } from '../contract/http/secrets.ts';
import { EstopError } from '../core/errors.ts';
import { listSecrets, putSecret, type SecretRecord } from '../store/secrets.ts';
import type { ControlDeps } from './deps.ts';

interface NewValue {
  readonly name: string;
  readonly value: string;
  readonly mustExist: boolean;
  readonly actor: string;
}

/**
 * Sealed here, and gone from here: this process cannot read it back. The same value under two names, for two agents, is found by
 * its keyed hash and refused, unless the configuration says that they share it.
 */
export async function sealAndStore(deps: ControlDeps, { name, value, mustExist, actor }: NewValue): Promise<Secret> {
  const { store } = deps;
  const known = await listSecrets(store);
  const fresh = deps.secretSealer.seal(name, value);
  const outcome = await putSecret(store, {
    name,
    ...fresh,
    mayShareWith: namesThatMayShare(deps, name, known),
    mustExist,
    actor,
  });
  switch (outcome.kind) {
    case 'unknown':
      throw new EstopError('not-found', { detail: `There is no secret ${name} to rotate; set it first.` });
    case 'exists':
      throw new EstopError('conflict', { detail: `There is a secret ${name} already; rotate it.` });
    case 'shared':
      throw new EstopError('credential-shared', {
        detail: `Secret ${outcome.sameAs} has this very value. Give each agent a credential of its own, or name the agents under sharedBy in estop.yaml, at every place that uses either.`,
      });
    case 'set': {
      const record = (await listSecrets(store)).find((one) => one.name === name);
      if (record === undefined) throw new EstopError('conflict', { detail: `Secret ${name} was removed meanwhile.` });
      return showSecret(deps, record);
    }
  }
}

export function showSecret(deps: ControlDeps, { name, revision, keyId, setBy, setAt }: SecretRecord): Secret {
  const uses = secretUses(deps.config.current()).filter(({ secret }) => secret === name);
  return {
    name,
    revision,
    keyId,
    setBy,
    setAt,
    usedBy: [...new Set(uses.flatMap((use) => use.agents))].sort(),
    usedAt: uses.map((use) => use.path.join('.')),
  };
}

/** Only names whose use is known: a copy that nobody uses yet may be meant for anybody. */
function namesThatMayShare(deps: ControlDeps, name: string, known: readonly SecretRecord[]): readonly string[] {
  const own = usesOf(deps, name);
  if (own.length === 0) return [];
  return known.flatMap((other) => {
    const uses = usesOf(deps, other.name);
    return uses.length > 0 && wronglyShared([...own, ...uses]).length === 0 ? [other.name] : [];
  });
}

const usesOf = ({ config }: ControlDeps, name: string): readonly CredentialUse[] =>
  credentialUses(config.current()).filter((use) => use.reference.secret === name);
