import { beforeAll, describe, expect, it } from 'vitest';
import { getApproval, requestApproval } from '../../src/store/approvals.ts';
import { admit } from '../../src/store/calls.ts';
import { registerGateway } from '../../src/store/gateways.ts';
import { callsThrough, terms, tool } from '../store/calls.ts';
import { agentSpec, digestOf, newId, newName, startTask } from '../store/ledger.ts';
import { type Answer, type ControlRig, field, makeControl, tokensSeen } from './rig.ts';
import { type PeopleRig, peopleRig } from './sign-in/people.ts';

describe('whoever approved a call must still be able to when it is made', () => {
  let rig: ControlRig;
  let people: PeopleRig;
  let gatewayId: string;
  const { ask } = callsThrough(() => gatewayId);
  beforeAll(async () => {
    people = peopleRig(await makeControl([agentSpec('billing-bot', { labels: { team: 'red' } })]));
    rig = people.rig;
    gatewayId = newId('gw');
    await registerGateway(rig.ledger.as('estop_gateway'), gatewayId, 'x');
  });

  async function waiting() {
    const task = await startTask(rig.ledger, agentSpec('billing-bot', { labels: { team: 'red' } })); // requested by rita
    const what = newName('call');
    const approvalId = newId('appr');
    await requestApproval(rig.ledger.as('estop_gateway'), {
      approvalId,
      taskId: task.taskId,
      tokenEpoch: task.epoch,
      toolKey: tool,
      digest: digestOf(what),
      shown: what,
      ttlMs: 60_000,
      ...terms,
    });
    const redeem = async () =>
      (await admit(rig.ledger.as('estop_gateway'), ask(task, { needsApproval: true, digest: digestOf(what) }))).kind;
    return { approvalId, redeem };
  }
  const forget = (name: string): void => {
    for (const [hash, { actor }] of tokensSeen) if (actor === name) tokensSeen.delete(hash);
  };
  const byToken = (approvalId: string, as: string) =>
    rig.call('POST', `/v1/approvals/${approvalId}:decide`, { as, body: { decision: 'approved' } });
  const byCookie = (approvalId: string, cookie: string) =>
    people.as(cookie, 'POST', `/v1/approvals/${approvalId}:decide`, { decision: 'approved' });
  const linkFor = async (as: string): Promise<string> => {
    const made = await rig.call('POST', '/v1/login-links', { as, body: {} });
    const { pathname } = new URL(String(field(made.body, 'url')));
    const entered = await rig.call('POST', pathname, { headers: { origin: 'http://control.example.org' } });
    return (entered.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  };

  /** As an identity provider has named them, and as estop.yaml has it. */
  const approver = async (name: string, labels?: Readonly<Record<string, string>>): Promise<string> => {
    people.edit({ roles: [{ role: 'approver', people: [name], groups: [], ...(labels && { labels }) }] });
    return people.signIn(name);
  };

  interface Way {
    readonly approve: (approvalId: string) => Promise<Answer>;
    readonly lose: () => unknown;
  }
  /** Each begins before the calls are asked for: a role that is given later does not count for them. */
  const ways: Readonly<Record<string, (name: string) => Promise<Way>>> = {
    'with a token that is taken out of tokens.json': async (name) => ({
      approve: (approvalId) => byToken(approvalId, `${name}@approver`),
      lose: () => forget(name),
    }),
    'signed in by a link of a token that is taken out of tokens.json': async (name) => {
      const cookie = await linkFor(`${name}@approver`);
      return { approve: (approvalId) => byCookie(approvalId, cookie), lose: () => forget(name) };
    },
    'with an API token that rests on a token which is taken out of tokens.json': async (name) => {
      const made = await rig.call('POST', '/v1/api-tokens', { as: `${name}@approver`, body: apiToken });
      return {
        approve: (approvalId) => byToken(approvalId, String(field(made.body, 'token'))),
        lose: () => forget(name),
      };
    },
    'as a person who is no approver any more': async (name) => {
      const cookie = await approver(name);
      return {
        approve: (approvalId) => byCookie(approvalId, cookie),
        lose: async () => {
          people.edit({ roles: [{ role: 'viewer', people: [name], groups: [] }] });
          await people.as(cookie, 'GET', '/v1/whoami'); // when control looks at them again, as it does by itself
        },
      };
    },
    'as a person whose role reaches other agents alone': async (name) => {
      const cookie = await approver(name, { team: 'red' });
      return {
        approve: (approvalId) => byCookie(approvalId, cookie),
        lose: async () => {
          people.edit({ roles: [{ role: 'approver', people: [name], groups: [], labels: { team: 'blue' } }] });
          await people.as(cookie, 'GET', '/v1/whoami');
        },
      };
    },
    'with an API token of theirs that is revoked': async (name) => {
      const cookie = await approver(name);
      const made = await people.as(cookie, 'POST', '/v1/api-tokens', apiToken);
      const [token, tokenId] = [field(made.body, 'token'), field(made.body, 'tokenId')].map(String);
      return {
        approve: (approvalId) => byToken(approvalId, token ?? ''),
        lose: () => people.as(cookie, 'POST', `/v1/api-tokens/${tokenId}:revoke`),
      };
    },
  };
  const apiToken = { name: 'mine', roles: ['approver'], days: 1 };

  it.each(Object.entries(ways))('%s: the call is asked for anew', async (_how, begin) => {
    const { approve, lose } = await begin(newName('anna'));
    const [used, left] = [await waiting(), await waiting()];
    for (const { approvalId } of [used, left]) expect((await approve(approvalId)).status).toBe(200);
    expect(await used.redeem()).toBe('allow');
    await lose();
    await rig.deps.approvers.say(); // as it does once in a second
    // Redeemed once, it would be needed again whatever became of it: so it is seen closed first.
    const state = async () => (await getApproval(rig.ledger.as('estop_control'), left.approvalId))?.state;
    await expect.poll(state, { timeout: 20_000 }).toBe('closed');
    expect(await left.redeem()).toBe('needs-approval');
  });
});
