import { randomBytes } from 'node:crypto';
import { makeApiToken } from '../../src/store/api-tokens.ts';
import type { ApprovalGround } from '../../src/store/approvals.ts';
import { sayApprovers } from '../../src/store/approver-lists.ts';
import { askElevation } from '../../src/store/elevations.ts';
import { type Ledger, newId, newName } from './ledger.ts';

/** Those of other tests here are as good as those of other processes. */
export async function onlyList(l: Ledger, controlId: string, listed: readonly string[]): Promise<void> {
  await l.sql('DELETE FROM estop.approver_lists');
  await sayApprovers(l.as('estop_control'), controlId, listed);
}

export async function person(l: Ledger, mandates: unknown = [{ role: 'approver' }]): Promise<string> {
  const name = newName('person');
  await l.sql(
    'INSERT INTO estop.people (person_id, issuer, subject, name, person, mandates) VALUES ($1, $1, $1, $1, $1, $2)',
    [name, JSON.stringify(mandates)],
  );
  return name;
}
export const token = async (l: Ledger, owner?: string): Promise<string> => {
  const tokenId = newId('api');
  await makeApiToken(l.as('estop_control'), {
    tokenId,
    tokenHash: randomBytes(32),
    name: tokenId,
    person: owner ?? tokenId,
    mandates: [{ role: 'approver' }],
    actor: 'ada',
    lifeMs: 60_000,
    ...(owner === undefined ? {} : { owner }),
  });
  return tokenId;
};

/**
 * Told to ADMIT alone: whatever closes approvals by itself when something is taken away is not asked here, so that what is looked at
 * in the one round trip is what decides.
 */
export interface Way {
  readonly what: string;
  readonly begin: (l: Ledger) => Promise<{ readonly ground: ApprovalGround; readonly lose: () => Promise<unknown> }>;
  readonly labels?: Readonly<Record<string, string>>;
}

export const ways: readonly Way[] = [
  {
    what: 'a token that was taken out of tokens.json',
    begin: async (l) => {
      const [controlId, listed] = [newName('control'), newName('token')];
      await onlyList(l, controlId, [listed, 'another']);
      const lose = () =>
        l.sql('UPDATE estop.approver_lists SET listed = $2 WHERE control_id = $1', [controlId, ['another']]);
      return { ground: { listed }, lose };
    },
  },
  {
    what: 'a token of which no process of control has said anything lately',
    begin: async (l) => {
      const listed = newName('token');
      await onlyList(l, newName('control'), [listed]);
      return {
        ground: { listed },
        lose: () => l.sql(`UPDATE estop.approver_lists SET said_at = said_at - interval '11 s'`),
      };
    },
  },
  {
    what: 'a token of which somebody spoke when the clock was ahead, and nobody since',
    begin: async (l) => {
      const listed = newName('token');
      await onlyList(l, newName('control'), [listed]);
      return {
        ground: { listed },
        lose: () => l.sql(`UPDATE estop.approver_lists SET said_at = said_at + interval '1 h'`),
      };
    },
  },
  {
    what: 'a button of somebody who is shut out by name',
    begin: async (l) => {
      const listed = newName('button');
      await onlyList(l, newName('control'), [listed]);
      const named = await person(l);
      const lose = () => l.sql('UPDATE estop.people SET disabled_at = clock_timestamp() WHERE name = $1', [named]);
      return { ground: { listed, named }, lose };
    },
  },
  {
    what: 'an API token that is revoked',
    begin: async (l) => {
      const apiToken = await token(l);
      const lose = () =>
        l.sql('UPDATE estop.api_tokens SET revoked_at = clock_timestamp() WHERE token_id = $1', [apiToken]);
      return { ground: { apiToken }, lose };
    },
  },
  {
    what: 'an API token that is over',
    begin: async (l) => {
      const apiToken = await token(l);
      const lose = () =>
        l.sql('UPDATE estop.api_tokens SET expires_at = clock_timestamp() WHERE token_id = $1', [apiToken]);
      return { ground: { apiToken }, lose };
    },
  },
  {
    what: 'an API token whose owner is no approver any more',
    begin: async (l) => {
      const owner = await person(l);
      const apiToken = await token(l, owner);
      const lose = () =>
        l.sql(`UPDATE estop.people SET mandates = '[{"role": "viewer"}]' WHERE person_id = $1`, [owner]);
      return { ground: { apiToken }, lose };
    },
  },
  {
    what: 'a person whose role is gone',
    begin: async (l) => {
      const who = await person(l);
      const lose = () => l.sql(`UPDATE estop.people SET mandates = '[{"role": "viewer"}]' WHERE person_id = $1`, [who]);
      return { ground: { person: who }, lose };
    },
  },
  {
    what: 'a person who is shut out',
    begin: async (l) => {
      const who = await person(l);
      const lose = () => l.sql('UPDATE estop.people SET disabled_at = clock_timestamp() WHERE person_id = $1', [who]);
      return { ground: { person: who }, lose };
    },
  },
  {
    what: 'a person whose role reaches other agents alone',
    labels: { team: 'red' },
    begin: async (l) => {
      const who = await person(l, [{ role: 'approver', labels: { team: 'red' } }]);
      const fewer = [{ role: 'approver', labels: { team: 'blue' } }];
      const lose = () =>
        l.sql('UPDATE estop.people SET mandates = $2 WHERE person_id = $1', [who, JSON.stringify(fewer)]);
      return { ground: { person: who }, lose };
    },
  },
  {
    what: 'a role that was taken for a while, and is over',
    begin: async (l) => {
      const who = await person(l, []);
      const elevationId = newId('elev');
      const asked = {
        elevationId,
        personId: who,
        role: 'approver',
        reason: 'night',
        lifeMs: 60_000,
        rule: 'review',
      } as const;
      await askElevation(l.as('estop_control'), asked);
      const lose = () =>
        l.sql('UPDATE estop.elevations SET ends_at = clock_timestamp() WHERE elevation_id = $1', [elevationId]);
      return { ground: { person: who, elevation: elevationId }, lose };
    },
  },
];

/** By which each of them is found out, in their order. */
export const guardOf: readonly {
  readonly what: string;
  readonly find: string | RegExp;
  readonly put: string;
  readonly in?: string;
}[] = [
  { what: 'the list', find: 'NOT estop.is_listed_approver(', put: 'false AND estop.is_listed_approver(' },
  { what: 'the age of a list', in: 'estop.is_listed_approver', find: /'10 seconds'/, put: "'1 day'" },
  {
    what: 'lists of the future',
    in: 'estop.is_listed_approver',
    find: /' AND clock_timestamp\(\)/,
    put: "' AND 'infinity'",
  },
  { what: 'the name', find: '(SELECT bool_and(p.disabled_at IS NOT NULL)', put: '(SELECT bool_and(false)' },
  { what: 'revocation', find: 'AND t.revoked_at IS NULL', put: '' },
  { what: 'the end of a token', find: 'AND t.expires_at > clock_timestamp()', put: '' },
  {
    what: 'what a token gives',
    find: 'estop.may_approve_of(estop.token_mandates(t.token_id), p_agent_id)',
    put: 'true',
  },
  { what: 'what a person may', find: 'estop.may_approve_of(p.mandates, p_agent_id)', put: 'true' },
  { what: 'who is shut out', find: 'AND p.disabled_at IS NULL', put: '' },
  {
    what: 'labels',
    in: 'estop.may_approve_of',
    find: /AND NOT EXISTS \(SELECT 1 FROM jsonb_each_text[^;]*?IS NULL\)\)\)/,
    put: ')',
  },
  { what: 'the end of an elevation', find: 'AND e.ends_at > clock_timestamp()', put: '' },
];
