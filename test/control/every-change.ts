import { expect } from 'vitest';
import { tripBreaker } from '../../src/store/breakers.ts';
import { askTestNotice } from '../../src/store/notices.ts';
import { bindPlaybook } from '../../src/store/playbooks.ts';
import { fence, newName } from '../store/ledger.ts';
import { stopped } from '../store/stopped-agent.ts';
import {
  agent,
  anApproval,
  anElevation,
  aPerson,
  aSecret,
  aStop,
  aTask,
  aTool,
  type Bed,
  hashOf,
  policies,
  reason,
  secretsSaid,
  secretValue,
  some,
} from './before-a-change.ts';
import { field } from './rig.ts';

/** What one endpoint writes into the audit, asked once. */
export interface Change {
  /** A role, or whoever is signed in under this name. */
  readonly as: string;
  /** What it needs to be there: the id in its path, and more of its body. */
  readonly prepare?: (bed: Bed) => Promise<{ readonly at?: string; readonly body?: object }>;
  readonly body?: object;
  readonly kind: string;
  /** Left out: there is none. */
  readonly reason?: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** By endpoint. A text: it writes nothing into the audit, and this is why. */
export const changes: Readonly<Record<string, Change | string>> = {
  startTask: {
    as: 'operator',
    body: { agentId: agent.agentId, prompt: 'x' },
    kind: 'task.started',
    after: { state: 'registered', epoch: expect.any(Number) },
  },
  openSession: {
    as: 'service',
    body: { agentId: agent.agentId },
    kind: 'task.started',
    after: { state: 'registered', epoch: expect.any(Number) },
  },
  closeSession: {
    as: 'operator',
    prepare: async (bed) => {
      const { at } = await aTask(bed);
      await bed.rig.ledger.sql("UPDATE estop.tasks SET kind = 'session' WHERE task_id = $1", [at]);
      return { at };
    },
    kind: 'session.close-asked',
    before: { state: 'registered' },
    after: { state: 'registered', closeAsked: true },
  },
  holdTask: {
    as: 'operator',
    prepare: aTask,
    body: { reason },
    kind: 'task.held',
    reason,
    before: { held: false },
    after: { held: true },
  },
  releaseTask: {
    as: 'operator',
    prepare: async (bed) => {
      const { at } = await aTask(bed);
      await bed.rig.call('POST', `/v1/tasks/${at}:hold`, { as: 'operator', body: {} });
      return { at };
    },
    body: { reason },
    kind: 'task.released',
    reason,
    before: { held: true },
    after: { held: false },
  },
  issueTaskToken: 'what a task may do was settled, and written down, when it was registered; each call is recorded',
  resetBreaker: {
    as: 'operator',
    prepare: async ({ rig }) => {
      const rule = { breaker: 'call-rate', most: 1, withinMs: 1_000, atLeast: 1, action: 'hold' } as const;
      await tripBreaker(rig.ledger.as('estop_revoker'), { agentId: agent.agentId, rule, measured: 2, sample: 2 });
      return { at: agent.agentId };
    },
    body: { breaker: 'call-rate', reason },
    kind: 'breaker.reset',
    reason,
    before: { action: 'hold', trippedAt: some },
    after: { action: null },
  },
  checkPolicies: 'looks',
  testPolicies: 'looks',
  previewStop: 'looks',
  testPlaybook: 'looks',
  activatePolicies: {
    as: 'admin',
    prepare: async () => ({ body: { files: policies() } }),
    body: { reason },
    kind: 'policy.activated',
    reason,
    before: { version: 'built-in', activation: 0 },
    after: { version: some, activation: 1 },
  },
  rollBackPolicies: {
    as: 'admin',
    prepare: async ({ rig }) => {
      for (const files of [policies(), policies()])
        await rig.call('POST', '/v1/policies:activate', { as: 'admin', body: { files, reason } });
      return {};
    },
    body: { reason },
    kind: 'policy.activated',
    reason,
    before: { version: some, activation: expect.any(Number) },
    after: { version: some, activation: expect.any(Number) },
  },
  orderStop: 'the stop process latches, and the stop is its own record; tested there and in audit.test.ts',
  noteStop: { as: 'operator', prepare: aStop, body: { text: 'seen' }, kind: 'stop.noted', after: { text: 'seen' } },
  resetStop: {
    as: 'operator',
    prepare: async (bed) => {
      const { at } = await aStop(bed);
      expect(await fence(bed.rig.ledger, at)).toBe(true);
      return { at };
    },
    body: { reason },
    kind: 'stop.reset',
    reason,
    before: { inForce: true, epoch: expect.any(Number) },
    after: { inForce: false, epoch: expect.any(Number) },
  },
  acceptRisk: {
    as: 'admin',
    prepare: async ({ rig }) => ({ at: (await stopped(rig.ledger, 1)).lanes[0] ?? '' }),
    body: { reason },
    kind: 'obligation.accepted-risk',
    reason,
    before: { state: 'open' },
    after: { state: 'accepted-risk' },
  },
  decideApproval: {
    as: 'approver',
    prepare: anApproval,
    body: { decision: 'denied', reason },
    kind: 'approval.denied',
    reason,
    before: { state: 'pending' },
    after: { state: 'denied' },
  },
  drillConnector: {
    as: 'operator',
    prepare: async () => ({ at: 'pg-main' }),
    kind: 'drill.asked',
    after: { state: 'asked' },
  },
  acceptTool: {
    as: 'admin',
    prepare: aTool,
    body: { reason },
    kind: 'tool.accepted',
    reason,
    before: { accepted: [hashOf('first')], changed: [hashOf('second')] },
    after: { accepted: [hashOf('second')], blocked: [hashOf('first')] },
  },
  setSecret: {
    as: 'admin',
    prepare: async () => ({ at: newName('crm'), body: secretValue() }),
    kind: 'secret.set',
    after: { revision: 1, keyId: some },
  },
  rotateSecret: {
    as: 'admin',
    prepare: async (bed) => ({ ...(await aSecret(bed)), body: secretValue() }),
    kind: 'secret.rotated',
    before: { revision: 1, keyId: some },
    after: { revision: 2, keyId: some },
  },
  removeSecret: { as: 'admin', prepare: aSecret, kind: 'secret.removed', before: { revision: 1, keyId: some } },
  makeLoginLink: {
    as: 'operator',
    kind: 'login-link.made',
    after: { expiresAt: some, mandates: [{ role: 'operator' }] },
  },
  proceedPhase: {
    as: 'operator',
    prepare: async (bed) => {
      const { at } = await aStop(bed);
      const waiting = { playbookId: 'careful', waits: ['purge-queue'], notify: [] } as const;
      await bindPlaybook(bed.rig.ledger.as('estop_revoker'), at, waiting);
      return { at };
    },
    body: { phase: 'purge-queue', reason },
    kind: 'playbook.released',
    reason,
    before: { waits: true },
    after: { waits: false },
  },
  acknowledgeNotices: {
    as: 'operator',
    prepare: async ({ rig }) => ({ body: { what: await askTestNotice(rig.deps.store, 'otto', undefined) } }),
    kind: 'notice.acknowledged',
    before: { unseen: 1 },
    after: { unseen: 0, seen: 1 },
  },
  testNotice: { as: 'operator', kind: 'notify.test', after: { noticeId: some } },
  disablePerson: {
    as: 'admin',
    prepare: aPerson,
    body: { reason },
    kind: 'person.disabled',
    reason,
    before: { disabled: false },
    after: { disabled: true, signInsEnded: 1 },
  },
  enablePerson: {
    as: 'admin',
    prepare: async (bed) => {
      const { at } = await aPerson(bed);
      await bed.rig.call('POST', `/v1/people/${at}:disable`, { as: 'admin', body: {} });
      return { at };
    },
    body: { reason },
    kind: 'person.enabled',
    reason,
    before: { disabled: true },
    after: { disabled: false, signInsEnded: 0 },
  },
  endSignIn: {
    as: 'admin',
    prepare: async (bed) => {
      const { at } = await aPerson(bed);
      const [row] = await bed.rig.ledger.sql('SELECT sign_in_id FROM estop.sign_ins WHERE person_id = $1', [at]);
      return { at: String(row?.['sign_in_id']) };
    },
    kind: 'sign-in.ended',
    before: { open: true },
    after: { open: false },
  },
  makeApiToken: {
    as: 'operator',
    body: { name: 'deploy', roles: ['operator'] },
    kind: 'token.made',
    after: expect.objectContaining({ expiresAt: some }),
  },
  revokeApiToken: {
    as: 'admin',
    prepare: async ({ rig }) => {
      const body = { name: newName('deploy'), roles: ['admin'] };
      const made = await rig.call('POST', '/v1/api-tokens', { as: 'admin', body });
      secretsSaid.push(String(field(made.body, 'token')));
      return { at: String(field(made.body, 'tokenId')) };
    },
    kind: 'token.revoked',
    before: expect.objectContaining({ expiresAt: some }),
    after: { revokedAt: some },
  },
  askElevation: {
    as: 'eli@example.org',
    body: { role: 'operator', minutes: 5, reason },
    kind: 'elevation.asked',
    reason,
    before: { mandates: [] },
    after: { mandates: [], elevation: 'asked' },
  },
  grantElevation: {
    as: 'admin',
    prepare: (bed) => anElevation(bed, 'evi@example.org', 'asked'),
    kind: 'elevation.begun',
    reason,
    before: { elevation: 'asked' },
    after: { elevation: 'active' },
  },
  endElevation: {
    as: 'admin',
    prepare: (bed) => anElevation(bed, 'evi@example.org', 'begun'),
    kind: 'elevation.ended',
    before: { elevation: 'active' },
    after: { elevation: 'ended' },
  },
  reviewElevation: {
    as: 'admin',
    prepare: (bed) => anElevation(bed, 'evi@example.org', 'ended'),
    body: { verdict: 'justified', note: reason },
    kind: 'elevation.reviewed',
    reason,
    before: { reviewed: false },
    after: { reviewed: true, verdict: 'justified' },
  },
};
