import { defaultSignIn } from '../contract/config.ts';
import { type Identity, personOf } from '../contract/identity.ts';
import { namesOf } from '../core/mandate.ts';
import type { ControlDeps } from './deps.ts';

/** Every name that whoever asks goes by, as of now: where two people are needed, all of them are one. */
export function namesOfCaller(identity: Identity, { config }: Pick<ControlDeps, 'config'>): readonly string[] {
  const { persons } = config.current().signIn ?? defaultSignIn;
  return [...namesOf([identity.actor, personOf(identity)], persons)];
}
