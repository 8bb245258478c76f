import { beforeAll, describe, expect, it } from 'vitest';
import { StopPage, StopView } from '../../src/contract/http/stops.ts';
import { oneCall } from '../../src/core/budget.ts';
import { admit, settle } from '../../src/store/calls.ts';
import { terms } from '../store/calls.ts';
import { addGateway, view } from '../store/gateway.ts';
import { agentSpec, digestOf, type Ledger, newId, startTask, stop } from '../store/ledger.ts';
import { type Answer, type ControlRig, makeControl } from './rig.ts';
import { storeWhere } from './store-where.ts';

const agent = agentSpec('billing-bot');

describe('a stop of which a part cannot be read', () => {
  let rig: ControlRig;
  let ledger: Ledger;
  beforeAll(async () => {
    rig = await makeControl([agent]);
    ledger = rig.ledger;
  });
  const unanswered: (() => void)[] = [];
  const ends = [
    ['the question fails', () => Promise.reject(Object.assign(new Error('permission denied'), { code: '42501' }))],
    ['nobody answers it', () => new Promise<never>((_, end) => void unanswered.push(() => end(new Error('over'))))],
  ] as const;
  const faulty = (end: () => Promise<never>): ControlRig =>
    rig.withDeps({ store: storeWhere(rig.deps.store, ['possibly_completed', 'scopes_on_record'], end) });
  const page = async (at: ControlRig, path: string): Promise<string> =>
    (await at.call('GET', path, { as: 'viewer', headers: { accept: 'text/html' } })).text;
  const ask = (at: ControlRig, path: string): Promise<Answer> => at.call('GET', `/v1${path}`, { as: 'viewer' });

  it.each(ends)('%s: it is shown with all else, and whose name it is, is said to be not known', async (_what, end) => {
    const at = faulty(end);
    const { stopId } = await stop(ledger, 'agent:biling-bot');
    const shown = StopView.parse((await ask(at, `/stops/${stopId}`)).body);
    expect(shown).toMatchObject({ inForce: true, reached: 'latched', scopeKnown: null, calls: null });
    const { items } = StopPage.parse((await ask(at, '/stops?limit=1')).body);
    expect(items).toMatchObject([{ stopId, scopeKnown: null }]);
    for (const path of [`/stops/${stopId}`, '/stops']) {
      const html = await page(at, path);
      expect(html).toContain('biling-bot');
      expect(html).not.toMatch(/Stopped nobody|nobody goes by this name|ever went by this name, so/i);
    }
    expect(await page(at, `/stops/${stopId}`)).toMatch(/ever went by this name is <strong>not known/);
    for (const over of unanswered.splice(0)) over();
    expect(await page(rig, `/stops/${stopId}`)).toMatch(/ever went by this name, so it covers nothing/);
  });

  it.each(ends)('%s: the calls that may have been completed are counted, and not told as none', async (_what, end) => {
    const gatewayId = await addGateway(ledger);
    await view(ledger, gatewayId);
    const task = await startTask(ledger, agent);
    const callId = newId('call');
    const admitted = await admit(ledger.as('estop_gateway'), {
      callId,
      gatewayId,
      taskId: task.taskId,
      tokenEpoch: task.epoch,
      keys: task.keys,
      toolKey: 'tool:mail/send',
      digest: digestOf('x'),
      needsApproval: false,
      worst: oneCall,
      ...terms,
    });
    expect(admitted.kind).toBe('allow');
    const { stopId } = await stop(ledger, `task:${task.taskId}`);
    await settle(ledger.as('estop_gateway'), callId, 'possibly-completed');
    const path = `/stops/${stopId}`;
    const html = await page(faulty(end), path);
    expect(html).toMatch(/1 call possibly completed[\s\S]*Which they are is <strong>not known/);
    expect(StopView.parse((await ask(faulty(end), path)).body)).toMatchObject({ possiblyCompleted: 1, calls: null });
    for (const over of unanswered.splice(0)) over();
    expect(StopView.parse((await ask(rig, path)).body)).toMatchObject({ possiblyCompleted: 1, calls: [{ callId }] });
  });
});
