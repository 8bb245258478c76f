import { expect, it } from 'vitest';
import { DenialRecorder } from '../../src/gateway/call/denial-recorder.ts';
import type { SeenDenial } from '../../src/store/denials.ts';

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const seen = (change: Partial<SeenDenial> = {}): SeenDenial => ({
  taskId: 'task_1',
  agentId: 'bot',
  asked: 'tool:a/b',
  digest: 'aa',
  reason: 'denied-by-policy',
  policies: ['x'],
  times: 1,
  ...change,
});

it('writes what was refused again and again once, with how often', async () => {
  const sent: SeenDenial[] = [];
  const recorder = new DenialRecorder(async (batch) => void sent.push(...batch), silent);
  for (let time = 0; time < 1_000; time += 1) recorder.add(seen());
  await recorder.flush();
  expect(sent).toEqual([seen({ times: 1_000 })]);
});

it('tells of so many in a minute, counts the others, and begins anew with the next minute', async () => {
  let now = 0;
  const sent: SeenDenial[] = [];
  const recorder = new DenialRecorder(
    async (batch) => void sent.push(...batch),
    silent,
    () => now,
  );
  for (let call = 0; call < 5_000; call += 1) {
    recorder.add(seen({ digest: String(call) }));
    if (call % 500 === 0) await recorder.flush();
  }
  recorder.add(seen({ agentId: 'other' }));
  await recorder.flush();
  expect(sent.length).toBe(61);
  now = 60_000;
  await recorder.flush();
  expect(sent.at(-1)).toEqual({
    agentId: 'bot',
    asked: 'more',
    reason: 'too-many-to-tell',
    policies: [],
    times: 4_940,
  });
  recorder.add(seen({ digest: 'later' }));
  await recorder.flush();
  expect(sent.at(-1)).toEqual(seen({ digest: 'later' }));
});

it('keeps what could not be written for the next time', async () => {
  const sent: SeenDenial[] = [];
  let away = true;
  const recorder = new DenialRecorder(async (batch) => {
    if (away) throw new Error('away');
    sent.push(...batch);
  }, silent);
  recorder.add(seen());
  await recorder.flush();
  recorder.add(seen());
  away = false;
  await recorder.flush();
  expect(sent).toEqual([seen({ times: 2 })]);
});

it('holds and writes so many of all agents together, and counts the others in one row', async () => {
  let now = 0;
  const sent: SeenDenial[] = [];
  let away = true;
  const recorder = new DenialRecorder(
    async (batch) => {
      if (away) throw new Error('away');
      sent.push(...batch);
    },
    silent,
    () => now,
  );
  for (let agent = 0; agent < 1_000; agent += 1) recorder.add(seen({ agentId: `bot-${agent}` }));
  // The store stays away: what waits does not grow with the minutes.
  for (let minute = 1; minute < 10; minute += 1) {
    now = minute * 60_000;
    for (let agent = 0; agent < 1_000; agent += 1) recorder.add(seen({ agentId: `bot-${agent}`, digest: `${minute}` }));
    await recorder.flush();
  }
  away = false;
  now += 60_000;
  await recorder.flush();
  const [more, ...none] = sent.filter(({ agentId }) => agentId === '*');
  expect(none).toEqual([]);
  expect(more).toMatchObject({ asked: 'more', reason: 'too-many-to-tell' });
  expect(sent.length).toBeLessThanOrEqual(2_001);
  expect(sent.reduce((sum, { times }) => sum + times, 0)).toBe(10_000);
});
