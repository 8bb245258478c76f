import { beforeAll, describe, expect, it } from 'vitest';
import { ResetResult, StopView } from '../../src/contract/http/stops.ts';
import { agentSpec, fence, type Ledger, startTask, stop } from '../store/ledger.ts';
import { type ControlRig, makeControl } from './rig.ts';
import { storeWhere } from './store-where.ts';

describe('a reset of what other stops cover as well', () => {
  let rig: ControlRig;
  let ledger: Ledger;
  beforeAll(async () => {
    rig = await makeControl(
      ['one', 'two', 'three', 'four', 'five'].map((name) => agentSpec(name, { labels: { team: name } })),
    );
    ledger = rig.ledger;
  });
  const view = async (stopId: string): Promise<StopView> =>
    StopView.parse((await rig.call('GET', `/v1/stops/${stopId}`, { as: 'viewer' })).body);
  const reset = async (stopId: string): Promise<ResetResult> => {
    await fence(ledger, stopId);
    const answer = await rig.call('POST', `/v1/stops/${stopId}:reset`, { as: 'operator', body: { reason: 'x' } });
    return ResetResult.parse(answer.body);
  };

  it.each([
    ['of an agent, under one of the same agent', () => ['agent:one', 'agent:one']],
    ['of an agent, under one of its label', () => ['agent:two', 'label:team=two']],
    [
      'of a task, under one of its agent',
      async () => [`task:${(await startTask(ledger, agentSpec('three'))).taskId}`, 'agent:three'],
    ],
    [
      'of a task, under one of its label',
      async () => [`task:${(await startTask(ledger, agentSpec('four'))).taskId}`, 'label:team=four'],
    ],
    [
      'of a task, under one of a label that its agent was given later',
      async () => {
        const { taskId } = await startTask(ledger, agentSpec('four'));
        await ledger.sql("INSERT INTO estop.agent_labels (agent_id, label_key) VALUES ('four', 'label:stage=late')");
        return [`task:${taskId}`, 'label:stage=late'];
      },
    ],
  ])('names them before and after: %s', async (_what, scopes) => {
    const [scope = '', over = ''] = await scopes();
    const [this_, other] = [await stop(ledger, scope), await stop(ledger, over)];
    const named = [{ stopId: other.stopId, scopeKey: over }];
    expect((await view(this_.stopId)).alsoStoppedBy).toEqual(named);
    expect(await reset(this_.stopId)).toMatchObject({ outcome: 'reset', stillStoppedBy: named });
    expect((await view(this_.stopId)).alsoStoppedBy).toEqual(named);
    expect((await reset(other.stopId)).stillStoppedBy).toEqual([]);
    expect((await view(this_.stopId)).alsoStoppedBy).toEqual([]);
  });

  it('names none that covers only a part of it, or something else', async () => {
    const task = await startTask(ledger, agentSpec('five', { labels: { team: 'five' } }));
    const whole = await stop(ledger, 'agent:five');
    const others = [`task:${task.taskId}`, 'agent:six', 'label:team=six', 'tool:five'];
    const stops = await Promise.all(others.map((scopeKey) => stop(ledger, scopeKey)));
    expect((await reset(whole.stopId)).stillStoppedBy).toEqual([]);
    for (const { stopId } of stops) await reset(stopId);
  });

  it('names the stop of the fleet, which covers everything', async () => {
    const [tool, fleet] = [await stop(ledger, 'tool:mail/send'), await stop(ledger, 'fleet')];
    const named = [{ stopId: fleet.stopId, scopeKey: 'fleet' }];
    expect((await reset(tool.stopId)).stillStoppedBy).toEqual(named);
    expect((await view(fleet.stopId)).alsoStoppedBy).toEqual([]);
    const { body } = await rig.call('GET', `/v1/stops/${tool.stopId}`, { as: 'viewer' });
    expect(StopView.parse(body)).toMatchObject({ inForce: false, alsoStoppedBy: named });
  });

  it('says in the console what the terminal says where its answer was lost: it may have been done, and once', async () => {
    const { stopId } = await stop(ledger, 'model:large');
    await fence(ledger, stopId);
    const lost = rig.withDeps({
      store: storeWhere(rig.deps.store, ['reset'], async (ask) => {
        await ask();
        throw Object.assign(new Error('Connection terminated'), { code: '08006' });
      }),
    });
    const fields = { once: 'ab'.repeat(16), typed: 'model:large', reason: 'mended' };
    const press = (at: ControlRig) =>
      at.call('POST', `/stops/${stopId}/reset`, {
        as: 'operator',
        raw: new URLSearchParams(fields).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });
    const told = await press(lost);
    expect([told.status, told.text.replaceAll(/<[^>]*>/g, '')]).toEqual([
      503,
      expect.stringContaining('It may have been done all the same.') as string,
    ]);
    expect((await press(rig)).headers.get('location')).toBe(`/stops/${stopId}`);
    // A page that was only looked at, and a form that was refused, did nothing.
    const looked = await rig
      .withDeps({ store: storeWhere(rig.deps.store, ['stop_summaries'], async () => Promise.reject(new Error('x'))) })
      .call('GET', `/stops/${stopId}`, { as: 'operator', headers: { accept: 'text/html' } });
    expect(looked.text).not.toContain('It may have been done');
    const mistyped = await rig.call('POST', `/stops/${stopId}/reset`, {
      as: 'operator',
      raw: 'typed=other&reason=x',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect([mistyped.status, mistyped.text.includes('It may have been done')]).toEqual([422, false]);
  });

  describe('where the others cannot be read', () => {
    const failing = async (): Promise<never> => {
      throw Object.assign(new Error('permission denied'), { code: '42501' });
    };
    const unanswered: (() => void)[] = [];
    const hanging = () => new Promise<never>((_, reject) => void unanswered.push(() => reject(new Error('over'))));

    it.each([
      ['the question fails', failing],
      ['nobody answers it', hanging],
    ])(
      '%s: the stop is shown with all else and the reset is done, and what is not known is said to be that',
      async (_what, ends) => {
        const latched = await stop(ledger, 'model:small');
        const faulty = rig.withDeps({ store: storeWhere(rig.deps.store, ['other_stops_over'], ends) });
        const path = `/stops/${latched.stopId}`;
        const page = async () =>
          (await faulty.call('GET', path, { as: 'operator', headers: { accept: 'text/html' } })).text;
        const shown = StopView.parse((await faulty.call('GET', `/v1${path}`, { as: 'viewer' })).body);
        expect(shown).toMatchObject({ inForce: true, reached: 'latched', alsoStoppedBy: null });
        expect(await page()).toMatch(/id="stop-state"[\s\S]*other stops cover the same is <strong>not known/);
        await fence(ledger, latched.stopId);
        const answer = await faulty.call('POST', `/v1${path}:reset`, { as: 'operator', body: { reason: 'x' } });
        expect(ResetResult.parse(answer.body)).toMatchObject({ outcome: 'reset', stillStoppedBy: null });
        expect(await page()).toMatch(/<h2>Reset<\/h2>[\s\S]*<strong>not known/);
        for (const end of unanswered.splice(0)) end();
        expect((await rig.call('GET', path, { as: 'operator' })).text).not.toContain('not known');
      },
    );
  });
});
