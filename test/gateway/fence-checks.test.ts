import { describe, expect, it } from 'vitest';
import { LiveCall } from '../../src/gateway/call/live-call.ts';
import { bearerOf } from '../../src/gateway/checks/fence.ts';
import { fenceAndAnswer, fenceAndAnswerCall } from '../../src/gateway/checks/fence-and-answer.ts';
import { fenceAndReach } from '../../src/gateway/checks/fence-and-reach.ts';
import { fenceAndWrite } from '../../src/gateway/checks/fence-and-write.ts';
import { fenceAndWriteModel } from '../../src/gateway/checks/fence-and-write-model.ts';
import type { FenceVerdict } from '../../src/gateway/fence/fence.ts';
import { ModelCall } from '../../src/gateway/model/model-call.ts';
import type { Answer, Facts, GateHost, Passage } from '../../src/gateway/passage.ts';
import type { Reach } from '../../src/gateway/upstream/reach.ts';

/**
 * The second and the third fence by themselves. In the whole gateway a call that a new view covers is cut as well, and that
 * alone would keep it from being sent or answered; each of the two must do without the other.
 */
class Recorded extends LiveCall {
  written = 0;
  override get isUsable(): boolean {
    return true;
  }
  override write(): ReturnType<LiveCall['write']> {
    this.written += 1;
    return Promise.resolve({ kind: 'lost' });
  }
}

class RecordedModel extends ModelCall {
  written = 0;
  override get isUsable(): boolean {
    return true;
  }
  override write(): ReturnType<ModelCall['write']> {
    this.written += 1;
    return Promise.resolve({ kind: 'lost' });
  }
}

function passage(verdict: FenceVerdict, facts: Facts): Passage & { readonly delivered: Answer[] } {
  const delivered: Answer[] = [];
  const host = { fence: { check: () => verdict }, flows: { observe: () => undefined }, callTimeoutMs: 1_000 };
  const claims = { tokenId: 't', taskId: 'task', agentId: 'a', agents: ['a'], keys: ['fleet'], epoch: 0, expiresAt: 0 };
  return {
    host: host as unknown as GateHost, // only what these two steps ask for
    asked: { kind: 'tool-list' },
    authorization: undefined,
    facts: { claims, ...facts },
    deliver: (answer) => void delivered.push(answer),
    deliverError: () => undefined,
    onClientGone: () => undefined,
    delivered,
  };
}

const stopped: FenceVerdict = { kind: 'dead', stop: { stopId: 'stop', scopeKey: 'fleet', epoch: 1, inForce: true } };
const lapsed: FenceVerdict = { kind: 'no-lease', why: 'no-lease' };
const behind: FenceVerdict = { kind: 'newer-than-view' };
const clear: FenceVerdict = { kind: 'clear' };
const aCall = (): Recorded => new Recorded('call', { keys: ['fleet'], agents: ['a'], epoch: 0 });

describe('the fence before the upstream', () => {
  it.each([
    ['a stop', stopped, 'stopped'],
    ['a lapsed lease', lapsed, 'unavailable'],
    ['a view older than the token', behind, 'unavailable'],
  ])('lets nothing be written after %s', async (_what, verdict, kind) => {
    const call = aCall();
    expect(await fenceAndWrite(passage(verdict, { call, admitted: true }))).toMatchObject({ kind });
    expect(call.written).toBe(0);
  });

  it.each([
    ['a stop', stopped, 'stopped'],
    ['a lapsed lease', lapsed, 'unavailable'],
    ['a view older than the token', behind, 'unavailable'],
  ])('lets no prompt go out after %s', async (_what, verdict, kind) => {
    const modelCall = new RecordedModel('call', { keys: ['fleet'], agents: ['a'], epoch: 0 });
    const modelRequest = { body: '{}' } as NonNullable<Facts['modelRequest']>; // all that this step asks for
    expect(await fenceAndWriteModel(passage(verdict, { modelCall, modelRequest, admitted: true }))).toMatchObject({
      kind,
    });
    expect(modelCall.written).toBe(0);
    expect(await fenceAndWriteModel(passage(clear, { modelCall, modelRequest, admitted: true }))).toBeUndefined();
    expect(modelCall.written).toBe(1);
  });

  it.each([
    ['a stop', stopped, 'stopped'],
    ['a lapsed lease', lapsed, 'unavailable'],
    ['a view older than the token', behind, 'unavailable'],
  ])('lets nothing else be asked of an upstream after %s', async (_what, verdict, kind) => {
    const call = aCall();
    const reach = { method: 'resources/read', scopeKey: 'tool:s/r', params: {} } as unknown as Reach; // its server is not asked
    const asked = { kind: 'resource', method: 'resources/read', params: {} } as const;
    const facts = { call, reaches: [reach], admitted: true };
    expect(await fenceAndReach({ ...passage(verdict, facts), asked })).toMatchObject({ kind });
    expect(call.written).toBe(0);
    expect(await fenceAndReach({ ...passage(clear, facts), asked })).toBeUndefined();
    expect(call.written).toBe(1);
  });

  it('lets an admitted call be written, and none that was not admitted', async () => {
    const call = aCall();
    expect(await fenceAndWrite(passage(clear, { call, admitted: true }))).toBeUndefined();
    expect(call.written).toBe(1);
    await expect(async () => fenceAndWrite(passage(clear, { call }))).rejects.toThrow(
      'a step of the gate was left out',
    );
    expect(call.written).toBe(1);
  });

  it('writes in the tick in which it asks', () => {
    const call = aCall();
    void fenceAndWrite(passage(clear, { call, admitted: true }));
    // No promise has been resolved in between.
    expect(call.written).toBe(1);
  });
});

describe('what the fence is asked about', () => {
  it('is the token, with the tool or the connector that it reaches for', () => {
    const grant = {
      kind: 'handed-over',
      grantId: 'g',
      connector: 'crm',
      target: 't',
      handle: {},
      options: '{}',
      sealed: new Uint8Array(),
      absoluteEnd: '',
    } as const;
    expect(bearerOf(passage(clear, {})).keys).toEqual(['fleet']);
    expect(bearerOf(passage(clear, { grant })).keys).toEqual(['fleet', 'connector:crm']);
    const tool = { pin: { scopeKey: 'tool:billing/refund' } } as unknown as NonNullable<Facts['tool']>; // only what is asked for
    expect(bearerOf(passage(clear, { tool })).keys).toEqual(['fleet', 'tool:billing/refund']);
  });
});

describe('the fence before the answer', () => {
  const replied: Facts = { end: { kind: 'replied', reply: { kind: 'result', result: { content: [] } } } };

  it.each([
    ['a stop', stopped, { kind: 'stopped', mayHaveCompleted: true }],
    ['a lapsed lease', lapsed, { kind: 'denied', reason: 'possibly-completed' }],
  ])('lets no answer of an upstream out after %s', (_what, verdict, denial) => {
    const one = passage(verdict, replied);
    expect(fenceAndAnswerCall(one)).toMatchObject(denial);
    expect(one.delivered).toEqual([]);
  });

  it('lets it out in the tick in which it asks', () => {
    const one = passage(clear, replied);
    expect(fenceAndAnswerCall(one)).toBeUndefined();
    expect(one.delivered).toEqual([{ content: [] }]);
  });

  it('stands before lists and grants as well', () => {
    const one = passage(stopped, { answer: { tools: [] } });
    expect(fenceAndAnswer(one)).toMatchObject({ kind: 'stopped', mayHaveCompleted: false });
    expect(one.delivered).toEqual([]);
  });
});
