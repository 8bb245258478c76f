import { describe, expect, it } from 'vitest';
import type { EstopConfig } from '../../src/contract/config.ts';
import type { Log } from '../../src/contract/identity.ts';
import { oneCall } from '../../src/core/budget.ts';
import type { Observation } from '../../src/gateway/call/conduct-of.ts';
import { ConductRecorder, watchedLedger } from '../../src/gateway/call/conduct-recorder.ts';
import type { LedgerPort } from '../../src/gateway/call/ledger-port.ts';
import type { AdmitRequest } from '../../src/store/calls.ts';
import type { SeenConduct, SeenRepeat } from '../../src/store/conduct.ts';
import { agentSpec } from '../store/ledger.ts';

const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const seen: Observation = {
  agentId: 'bot',
  toolKey: 'tool:mail/send',
  digest: new Uint8Array([1]),
  made: true,
  failed: false,
  denied: false,
  beyond: false,
  overBudget: false,
  risk: 1,
  microcents: 2,
};

function recorderOf() {
  const sent: { readonly seen: readonly SeenConduct[]; readonly repeats: readonly SeenRepeat[] }[] = [];
  const state = { now: 0, fails: false };
  const recorder = new ConductRecorder(
    async (counts, repeats) => {
      if (state.fails) throw new Error('the store is away');
      sent.push({ seen: counts, repeats });
    },
    log,
    () => state.now,
  );
  return { recorder, sent, state };
}

describe('a gateway that counts for the breakers', () => {
  it('adds up by agent and tool, and reports a repeated call from its second time on with the first', async () => {
    const { recorder, sent } = recorderOf();
    for (let index = 0; index < 3; index += 1) recorder.add(seen);
    recorder.add({ ...seen, digest: new Uint8Array([2]), failed: true });
    await recorder.flush();
    recorder.add(seen);
    await recorder.flush();
    await recorder.flush();
    expect(sent).toHaveLength(2);
    expect(sent[0]?.seen).toEqual([
      {
        agentId: 'bot',
        toolKey: 'tool:mail/send',
        calls: 4,
        errors: 1,
        denied: 0,
        beyond: 0,
        overBudget: 0,
        risk: 4,
        microcents: 8,
      },
    ]);
    expect(sent.map(({ repeats }) => repeats)).toEqual([
      [{ agentId: 'bot', digest: '01', calls: 3 }],
      [{ agentId: 'bot', digest: '01', calls: 1 }],
    ]);
  });

  it('loses nothing while the store is away, says when it is behind, and writes it all when the store is back', async () => {
    const { recorder, sent, state } = recorderOf();
    state.fails = true;
    recorder.add(seen);
    await recorder.flush();
    state.now = 9_000;
    recorder.add(seen);
    await recorder.flush();
    expect(recorder.isBehind()).toBe(false);
    state.now = 10_001;
    recorder.add(seen);
    expect(recorder.isBehind()).toBe(true);
    state.fails = false;
    await recorder.flush();
    expect(recorder.isBehind()).toBe(false);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.seen[0]).toMatchObject({ calls: 3, risk: 3 });
    expect(sent[0]?.repeats).toEqual([{ agentId: 'bot', digest: '01', calls: 3 }]);
  });

  it('admits nothing of an agent whose breakers act while its counts do not arrive, and everything of others', async () => {
    const rule = { breaker: 'call-rate', most: 1, atLeast: 0, withinMs: 60_000 } as const;
    const acting = agentSpec('acting', { breakers: [{ ...rule, action: 'hold' }] });
    const telling = agentSpec('telling', { breakers: [{ ...rule, action: 'warn' }] });
    const config: EstopConfig = {
      environment: 'test',
      trustDomain: 'test.local',
      agents: [acting, telling],
      connectors: [],
      toolServers: [],
      models: [],
    };
    const inner: LedgerPort = {
      admit: async () => ({ kind: 'allow' }),
      requestApproval: async () => ({ kind: 'refused' }),
      handOver: async () => ({ kind: 'none' }),
      obtainGrant: async () => ({ kind: 'unknown-task' }),
    };
    const state = { behind: false };
    const ledger = watchedLedger(inner, { isBehind: () => state.behind }, { current: () => config });
    const admit = (agentId: string) => {
      const request: Partial<AdmitRequest> = { keys: ['fleet', `agent:${agentId}`], worst: oneCall };
      return ledger.admit(request as AdmitRequest); // the keys are all that is looked at
    };
    expect(await admit('acting')).toEqual({ kind: 'allow' });
    state.behind = true;
    expect(await admit('acting')).toEqual({ kind: 'denied', reason: 'unwatched' });
    expect(await admit('telling')).toEqual({ kind: 'allow' });
  });
});
