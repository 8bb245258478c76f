import { describe, expect, it } from 'vitest';
import { type CutReason, OpenCalls } from '../../../src/gateway/fence/open-calls.ts';
import { createView, killerOf, type StopInView } from '../../../src/gateway/fence/view.ts';

const stop = (epoch: number, scopeKey: string, more: Partial<StopInView> = {}): StopInView => ({
  stopId: `stop-${epoch}`,
  scopeKey,
  epoch,
  inForce: true,
  agents: [],
  ...more,
});
const token = { keys: ['fleet', 'agent:a', 'task:t', 'label:team=x'], agents: ['a'], epoch: 5 };

describe('what a view kills', () => {
  it('is every bearer of a stopped key, whatever its epoch', () => {
    expect(killerOf(createView(9, [stop(3, 'agent:a')]), token)?.stopId).toBe('stop-3');
    expect(killerOf(createView(9, [stop(9, 'fleet')]), token)?.stopId).toBe('stop-9');
  });

  it('is what is older than a reset stop, and not what is younger', () => {
    const reset = stop(6, 'agent:a', { inForce: false });
    expect(killerOf(createView(9, [reset]), token)?.stopId).toBe('stop-6');
    expect(killerOf(createView(9, [reset]), { ...token, epoch: 7 })).toBeUndefined();
  });

  it('is nothing that no key names', () => {
    expect(killerOf(createView(9, [stop(6, 'agent:b'), stop(7, 'task:u')]), token)).toBeUndefined();
  });

  it('is an agent that carries the label now, though its token does not know it', () => {
    const labelled = stop(6, 'label:risk=high', { agents: ['a'] });
    expect(killerOf(createView(9, [labelled]), token)?.stopId).toBe('stop-6');
    expect(killerOf(createView(9, [labelled]), { ...token, agents: ['b'] })).toBeUndefined();
  });

  it('is not an agent that lost the label before a later stop on the same one', () => {
    const before = stop(6, 'label:risk=high', { agents: ['a'], inForce: false });
    const after = stop(8, 'label:risk=high', { agents: ['b'] });
    expect(killerOf(createView(9, [before, after]), { ...token, epoch: 7 })).toBeUndefined();
  });

  it('names the oldest of several stops', () => {
    expect(killerOf(createView(9, [stop(8, 'fleet'), stop(6, 'agent:a')]), token)?.stopId).toBe('stop-6');
  });
});

describe('the registry of open calls', () => {
  const open = (callId: string, agent: string, written: boolean) => {
    const reasons: CutReason[] = [];
    const bearer = { keys: ['fleet', `agent:${agent}`], agents: [agent], epoch: 0 };
    return {
      callId,
      bearer,
      isWritten: () => written,
      destroy: (reason: CutReason) => void reasons.push(reason),
      reasons,
    };
  };

  it('cuts what a view kills, once, and tells which of it was written', () => {
    const calls = new OpenCalls();
    const [written, waiting, other] = [open('1', 'a', true), open('2', 'a', false), open('3', 'b', true)];
    for (const call of [written, waiting, other]) calls.add(call);
    const view = createView(1, [stop(1, 'agent:a')]);
    expect(calls.cutCovered(view)).toEqual([
      { callId: '1', written: true },
      { callId: '2', written: false },
    ]);
    expect(calls.cutCovered(view)).toEqual([]);
    expect(written.reasons).toMatchObject([{ kind: 'stopped', stop: { stopId: 'stop-1' } }]);
    expect(waiting.reasons.length).toBe(1);
    expect(other.reasons).toEqual([]);
    expect(calls.size).toBe(1);
  });
});
