import { randomBytes } from 'node:crypto';
import { defaultSignIn, type EstopConfig, type SignInSpec } from '../../../src/contract/config.ts';
import { createCallers } from '../../../src/control/sign-in/callers.ts';
import { mintSecret, secretHash } from '../../../src/control/sign-in/sign-in-cookie.ts';
import { formatId } from '../../../src/core/ids.ts';
import { mandatesOf } from '../../../src/core/mandate.ts';
import { beginSignIn } from '../../../src/store/sign-ins.ts';
import type { Answer, ControlRig } from '../rig.ts';

export const origin = 'http://control.example.org';
export const issuer = 'https://id.example.org';

/** The rig with `signIn` of an estop.yaml that a test can edit. */
export interface PeopleRig {
  readonly rig: ControlRig;
  edit(change: Partial<SignInSpec>): void;
  /** As if an identity provider had named this person; a cookie. */
  signIn(name: string, groups?: readonly string[]): Promise<string>;
  as(cookie: string, method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer>;
  personId(name: string): Promise<string>;
}

export function peopleRig(made: ControlRig, first: Partial<SignInSpec> = {}): PeopleRig {
  let spec: SignInSpec = { ...defaultSignIn, ...first };
  const config = { current: (): EstopConfig => ({ ...made.deps.config.current(), signIn: spec }) };
  const { store, authenticator, log } = made.deps;
  const rig = made.withDeps({ config, callers: createCallers({ store, authenticator, log, config }) });
  return {
    rig,
    edit: (change) => {
      spec = { ...spec, ...change };
    },
    signIn: async (name, groups = []) => {
      const secret = mintSecret();
      const mandates = mandatesOf({ names: [name], groups }, spec.roles);
      const mint = (kind: 'sign' | 'person'): string => formatId(kind, 'test', randomBytes(16));
      const outcome = await beginSignIn(
        store,
        { issuer, subject: `s-${name}`, name, person: name, groups, mandates },
        {
          signInId: mint('sign'),
          personId: mint('person'),
          secretHash: secretHash(secret),
          agent: 'test',
          idleMs: 3_600_000,
          lifeMs: 7_200_000,
          method: 'oidc',
        },
      );
      if (outcome !== 'begun') throw new Error(outcome);
      return `estop-test-sign-in=${secret}`;
    },
    as: (cookie, method, path, body) =>
      rig.call(method, path, { headers: { cookie, origin }, ...(method === 'POST' ? { body: body ?? {} } : {}) }),
    personId: async (name) => {
      const [row] = await made.ledger.sql('SELECT person_id FROM estop.people WHERE name = $1', [name]);
      return String(row?.['person_id']);
    },
  };
}
