import { randomBytes } from 'node:crypto';
import { beforeAll, expect } from 'vitest';
import { makeClientCode, makeClientRefresh, redeemClientTicket } from '../../src/store/client-tickets.ts';
import { createDatabase } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import { addAgent, type Ledger, makeLedger, newId } from './ledger.ts';

let ledger: Ledger;
beforeAll(async () => {
  ledger = await makeLedger(createDatabase);
  await ledger.sql(
    "INSERT INTO estop.people (person_id, issuer, subject, name, person) VALUES ('p', 'i', 's', 'olga', 'olga')",
  );
});
const secret = (): Uint8Array => randomBytes(32);
const clientHash = secret();

/** Of a session that was begun with a code: its first refresh token, and what may be done with it. */
async function session(l: Ledger) {
  const control = l.as('estop_control');
  const { agentId } = await addAgent(l);
  const code = secret();
  const where = { redirect: 'http://127.0.0.1/', challenge: 'c', resource: 'https://gateway.example' };
  const whose = { agentId, actor: 'olga', person: 'olga', personId: 'p', taskId: newId('task'), client: 'a client' };
  await makeClientCode(control, { hash: code, clientHash, ...where, ...whose, lifeMs: 60_000 });
  await redeemClientTicket(control, { kind: 'code', hash: code, clientHash, ...where });
  const first = secret();
  const show = async (hash: Uint8Array, by = clientHash): Promise<string> =>
    (await redeemClientTicket(control, { kind: 'refresh', hash, clientHash: by })).kind;
  const next = (parent: Uint8Array, hash = secret()): Promise<boolean> =>
    makeClientRefresh(control, hash, parent, 60_000);
  expect(await next(code, first)).toBe(true);
  return { first, show, next };
}

guarded(
  () => ledger,
  'a refresh token is good once more while nothing was given for it, and for nobody else and no longer',
  async (l) => {
    const { first, show, next } = await session(l);
    expect([await show(first), await show(first)]).toEqual(['redeemed', 'redeemed']);
    const second = secret();
    expect(await next(first, second)).toBe(true);
    // Of two who were both let through, one gets the next one.
    expect(await next(first)).toBe(false);
    expect(await show(first)).toBe('replayed');
    expect(await show(second)).toBe('replayed');
    const other = await session(l);
    expect([await other.show(other.first, secret()), await other.show(other.first)]).toEqual(['mismatch', 'replayed']);
    const third = await session(l);
    const seen = [
      await third.show(third.first),
      await third.show(third.first, secret()),
      await third.show(third.first),
    ];
    expect(seen).toEqual(['redeemed', 'mismatch', 'replayed']);
  },
  {
    what: 'that nothing was given for it',
    in: 'estop.redeem_client_ticket',
    find: /\s+OR EXISTS \(SELECT 1 FROM estop.client_tickets x WHERE x.parent_hash = p_hash\)/,
    put: '',
  },
  { what: 'that it was for them', in: 'estop.redeem_client_ticket', find: 'OR t.redeemed_at IS NULL', put: '' },
  { what: 'that it still is', in: 'estop.redeem_client_ticket', find: ', redeemed_at = NULL', put: '' },
  {
    what: 'one next one',
    in: 'estop.make_client_refresh',
    find: 'AND NOT EXISTS (SELECT 1 FROM estop.client_tickets x WHERE x.parent_hash = p_parent_hash)',
    put: '',
  },
);
