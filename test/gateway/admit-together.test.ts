import { expect, it } from 'vitest';
import { AdmitTogether } from '../../src/gateway/call/admit-together.ts';
import type { Admission, AdmitRequest } from '../../src/store/calls.ts';

const locked = new Error('a lock did not come free');
const broken = new Error('the server has ended');

/** A ledger that answers about an agent what it is told to, when it is told to. What it does of itself is tested with a real one. */
function scripted() {
  const asked: string[] = [];
  const open = new Map<string, (said: Admission | Error) => void>();
  const admitTogether = new AdmitTogether({
    admit: ({ callId }) => {
      asked.push(callId);
      return new Promise((resolve, reject) => {
        open.set(callId, (said) => (said instanceof Error ? reject(said) : resolve(said)));
      });
    },
    admitMany: async (_gatewayId, requests) => {
      const names = requests.map(({ callId }) => callId);
      asked.push(names.join(' '));
      return new Promise((resolve, reject) => {
        open.set(names.join(' '), (said) => {
          if (said instanceof Error) reject(said);
          else resolve(new Map(names.map((name) => [name, said])));
        });
      });
    },
    wasUndone: (thrown) => thrown === locked,
    waitedInVain: (thrown) => thrown === locked,
  });
  const told: string[] = [];
  const admit = (callId: string): void => {
    const request: AdmitRequest = {
      callId,
      gatewayId: 'g',
      taskId: 't',
      tokenEpoch: 0,
      keys: ['fleet', `agent:${callId.slice(0, 1)}`],
      toolKey: 'tool:x/y',
      digest: new Uint8Array(),
      needsApproval: false,
      worst: { calls: 1, tokens: 0, microcents: 0 },
      policyVersion: 'none',
      approvers: 1,
    };
    admitTogether.admit(request).then(
      ({ kind }) => told.push(`${callId} ${kind}`),
      () => told.push(`${callId} refused`),
    );
  };
  const until = async (what: () => boolean): Promise<void> => {
    while (!what()) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  const say = async (calls: string, said: Admission | Error): Promise<void> => {
    await until(() => open.has(calls));
    open.get(calls)?.(said);
    open.delete(calls);
  };
  return { admit, asked, told, say, until };
}

const allow: Admission = { kind: 'allow' };

it('an agent whose budget is held keeps no other from asking, and waits for it with one call alone', async () => {
  const { admit, asked, told, say, until } = scripted();
  for (const call of ['a1', 'a2', 'a3', 'a4']) {
    admit(call);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(asked).toEqual(['a1', 'a2', 'a3']); // as many as may be under way at once
  admit('b1');
  await say('b1', allow); // none has answered, and others are asked about all the same
  admit('a5');
  admit('b2');
  await say('b2', allow);
  await until(() => told.length === 2);
  expect(told).toEqual(['b1 allow', 'b2 allow']);
  expect(asked).toEqual(['a1', 'a2', 'a3', 'b1', 'b2']);
});

it('whoever waited behind it goes the common way once the budget is free', async () => {
  const { admit, told, say, until } = scripted();
  for (const call of ['a1', 'a2', 'a3', 'b1']) admit(call);
  await say('a1 a2 a3 b1', locked);
  await say('b1', allow);
  admit('a4');
  await say('a1', allow);
  await say('a2 a3 a4', allow);
  await until(() => told.length === 5);
  expect(told.toSorted()).toEqual(['a1 allow', 'a2 allow', 'a3 allow', 'a4 allow', 'b1 allow']);
});

it('where one has waited in vain those behind it are denied with it, and nobody after them', async () => {
  const { admit, asked, told, say, until } = scripted();
  for (const call of ['a1', 'a2', 'b1']) admit(call);
  await say('a1 a2 b1', locked);
  await say('b1', allow);
  admit('a3');
  await say('a1', locked);
  await until(() => told.length === 4);
  expect(told).toEqual(['b1 allow', 'a1 refused', 'a2 refused', 'a3 refused']);
  for (const call of ['a4', 'b2', 'a5']) admit(call);
  await say('b2', allow); // with nobody of theirs, until one of them has had an answer
  await say('a4', allow);
  await say('a5', allow);
  for (const call of ['a6', 'b3']) admit(call);
  await say('a6 b3', allow);
  await until(() => told.length === 9);
  expect(asked).toEqual(['a1 a2 b1', 'a1', 'b1', 'a4', 'b2', 'a5', 'a6 b3']);
});

it('where the store is gone nobody is asked about again', async () => {
  const { admit, asked, told, say, until } = scripted();
  for (const call of ['a1', 'b1']) admit(call);
  await say('a1 b1', broken);
  await until(() => told.length === 2);
  expect(told).toEqual(['a1 refused', 'b1 refused']);
  expect(asked).toEqual(['a1 b1']);
});
