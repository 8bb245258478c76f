import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { EstopConfig, SignInSpec } from '../../src/contract/config.ts';
import { readPolicyFolder } from '../../src/policy/read-folder.ts';
import { policiesFolder } from '../../src/runtime/package-root.ts';
import { requestApproval } from '../../src/store/approvals.ts';
import { noteTools } from '../../src/store/tool-pins.ts';
import { chat, spec } from '../notices/telling.ts';
import { terms } from '../store/calls.ts';
import { agentSpec, digestOf, newId, newName, startTask, stop } from '../store/ledger.ts';
import { type ControlRig, field } from './rig.ts';
import type { PeopleRig } from './sign-in/people.ts';

/** What a change needs to be there before it. */
export interface Bed {
  readonly rig: ControlRig;
  readonly people: PeopleRig;
}

export const agents = [agentSpec('billing-bot', { owner: 'maya' })] as const;
export const [agent] = agents;

export const configured: Partial<EstopConfig> = {
  connectors: [{ connectorId: 'pg-main', system: 'postgres', config: {} } as never], // no worker reads it here
  notifications: spec({ endpoints: [chat('https://slack.example.org/api')] }),
};
export const people: Partial<SignInSpec> = {
  roles: [{ role: 'operator', people: ['olga@example.org'], groups: [] }],
  breakGlass: {
    people: ['eli@example.org', 'evi@example.org'],
    groups: [],
    roles: ['operator'],
    longestMs: 3_600_000,
    rule: 'second-person',
  },
};

/** What was sent or handed out and must not be found again. */
export const secretsSaid: string[] = [];
export const secretValue = (): { readonly value: string } => {
  const value = newName('a-value-of-a-secret');
  secretsSaid.push(value);
  return { value };
};

export const reason = 'for a test';
export const some = expect.any(String) as unknown;
export const aTask = async ({ rig }: Bed) => ({ at: (await startTask(rig.ledger, agent)).taskId });
export const aStop = async ({ rig }: Bed) => ({ at: (await stop(rig.ledger, `tool:mail/${newName('send')}`)).stopId });

export const shipped = readPolicyFolder(policiesFolder);
export const policies = (): object => ({
  ...shipped,
  'team.cedar': `@id("${newName('large')}") @ask("Large.") forbid (principal, action == Action::"tool", resource) when { context.times > 5 } unless { context.approved };`,
});

export async function anApproval({ rig }: Bed): Promise<{ readonly at: string }> {
  const task = await startTask(rig.ledger, agent);
  const at = newId('appr');
  const call = { toolKey: 'tool:mail/send', digest: digestOf(at), shown: '{}', ttlMs: 60_000 };
  const asked = { approvalId: at, taskId: task.taskId, tokenEpoch: task.epoch, ...call, ...terms };
  await requestApproval(rig.ledger.as('estop_gateway'), asked);
  return { at };
}

export const aSecret = async ({ rig }: Bed): Promise<{ readonly at: string; readonly body: object }> => {
  const at = newName('crm');
  const made = await rig.call('POST', `/v1/secrets/${at}:set`, { as: 'admin', body: secretValue() });
  expect(made.status).toBe(201);
  return { at, body: {} };
};

export const aPerson = async ({ people: all }: Bed): Promise<{ readonly at: string }> => {
  const name = `${newName('perry')}@example.org`;
  await all.signIn(name);
  return { at: await all.personId(name) };
};

export async function anElevation(
  bed: Bed,
  name: string,
  as: 'asked' | 'begun' | 'ended',
): Promise<{ readonly at: string }> {
  const { rig, people: all } = bed;
  await rig.ledger.sql('DELETE FROM estop.elevations');
  const body = { role: 'operator', minutes: 5, reason };
  const asked = await all.as(await all.signIn(name), 'POST', '/v1/elevations', body);
  const at = String(field(asked.body, 'elevationId'));
  if (as !== 'asked') await rig.call('POST', `/v1/elevations/${at}:grant`, { as: 'admin', body: {} });
  if (as === 'ended') await rig.call('POST', `/v1/elevations/${at}:end`, { as: 'admin', body: {} });
  return { at };
}

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

export async function aTool({ rig }: Bed): Promise<{ readonly at: string; readonly body: object }> {
  for (const version of ['first', 'second'])
    await noteTools(rig.ledger.as('estop_gateway'), 'mail', [
      {
        tool: 'send',
        tier: 'write',
        hash: hashOf(version),
        definition: '{}',
        labels: [],
        because: 'test',
        look: 'send',
      },
    ]);
  return { at: 'mail/send', body: { hash: hashOf('second') } };
}
