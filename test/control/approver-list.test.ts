import { expect, it } from 'vitest';
import { createApproverList } from '../../src/control/approvers/approver-list.ts';
import { groundOf } from '../../src/control/approvers/ground-of.ts';
import { tokenApprover } from '../../src/control/approvers/listed-approvers.ts';
import { openStore } from '../../src/store/pool.ts';
import { createDatabase } from '../kit/postgres.ts';
import { digestOf, makeLedger } from '../store/ledger.ts';

it('what is said of who may approve is never overtaken by what was said before it', async () => {
  const ledger = await makeLedger(createDatabase);
  const pool = openStore({ url: ledger.urls.estop_control, applicationName: 'test', max: 4 });
  let letGo = (): void => undefined;
  let asked = 0;
  /** The first statement stays on its way until the second was asked for, or until it is let go. */
  const store = new Proxy(pool, {
    get: (target, key) =>
      key === 'query'
        ? async (statement: never, values: never) => {
            asked += 1;
            if (asked === 1) await new Promise<void>((resolve) => (letGo = resolve));
            return target.query(statement, values);
          }
        : Reflect.get(target, key, target),
  });
  const tokens = [digestOf('anna')];
  const list = createApproverList({
    store,
    authenticator: {
      authenticate: () => ({ ok: false, code: 'unauthenticated' }),
      held: () => tokens.map((tokenHash) => ({ tokenHash, roles: ['approver'] })),
    },
    config: {
      current: () => ({
        environment: 'test',
        trustDomain: 'x',
        agents: [],
        connectors: [],
        toolServers: [],
        models: [],
      }),
    },
  });
  const first = list.say();
  await expect.poll(() => asked).toBe(1);
  tokens.push(digestOf('bert'));
  const second = list.say();
  await new Promise((resolve) => setTimeout(resolve, 50)); // time in which it could overtake
  letGo();
  await Promise.all([first, second]);
  const [row] = await ledger.sql('SELECT listed FROM estop.approver_lists');
  expect(row?.['listed']).toEqual(tokens.map(tokenApprover));
  await list.close();
  expect(await ledger.sql('SELECT 1 FROM estop.approver_lists')).toEqual([]);
  await pool.end();
});

it('a press of a button rests on the name by which its person can be shut out', () => {
  const olga = { actor: 'olga', roles: ['approver'] } as const;
  expect(groundOf({ ...olga, listedAs: 'button:olga' })).toEqual({ listed: 'button:olga', named: 'olga' });
  expect(groundOf({ ...olga, personId: 'person-1' })).toEqual({ person: 'person-1' });
});
