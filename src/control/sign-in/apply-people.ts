import { defaultSignIn, type EstopConfig } from '../../contract/config.ts';
import { isSame, mandatesOf, personNamed } from '../../core/mandate.ts';
import { type PersonRecord, peopleAfter, setMandates } from '../../store/people.ts';
import type { Store } from '../../store/pool.ts';
import { mandatesIn } from './mandates-in.ts';

/**
 * Tells the ledger what estop.yaml gives everybody now, also those who do not come by: the stop process lets people stop by what
 * stands there. How many that changed.
 */
export async function applyPeople(store: Store, config: EstopConfig): Promise<number> {
  let changed = 0;
  let last = '';
  for (;;) {
    const some = await peopleAfter(store, last, portion);
    changed += await applyTo(some, store, config);
    if (some.length < portion) return changed;
    last = some.at(-1)?.personId ?? '';
  }
}

const portion = 1_000;

async function applyTo(people: readonly PersonRecord[], store: Store, config: EstopConfig): Promise<number> {
  const { roles, persons } = config.signIn ?? defaultSignIn;
  let changed = 0;
  for (const { personId, issuer, name, person, subject, groups, mandates } of people) {
    if (issuer === 'local') continue; // what a token gives is in the token's own list
    const held = mandatesIn(mandates);
    const wanted = mandatesOf({ names: [name, `sub:${subject}`], groups }, roles);
    const named = personNamed(name, persons);
    const isAsHeld = held.length === wanted.length && wanted.every((one) => held.some((other) => isSame(one, other)));
    if (isAsHeld && named === person) continue;
    if (await setMandates(store, personId, named, wanted)) changed += 1;
  }
  return changed;
}
