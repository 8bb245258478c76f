import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { Problem } from '../../src/contract/http/problem.ts';
import { errorCatalogue, isErrorCode } from '../../src/core/errors.ts';
import { requiresData } from '../kit/requires.ts';
import { fence, newId, stop } from '../store/ledger.ts';
import { type Answer, type ControlRig, field, makeControl } from './rig.ts';

const blns = new URL('../../../shared/data/blns/blns.json', import.meta.url);
const known = existsSync(blns);
const strings = known ? (JSON.parse(readFileSync(blns, 'utf8')) as string[]) : [];

/** Stored or refused: if refused, as a problem with a code of ours, a 4xx of its own and a sentence that says what is wrong. */
function expectClearRefusal(text: string, answer: Answer): void {
  expect([text, answer.headers.get('content-type')]).toEqual([text, 'application/problem+json']);
  const problem = Problem.parse(answer.body);
  if (!isErrorCode(problem.code)) throw new Error(`${problem.code} is not in the catalogue`);
  expect([text, answer.status]).toEqual([text, errorCatalogue[problem.code].status]);
  expect([text, answer.status >= 400 && answer.status < 500]).toEqual([text, true]);
  expect(problem.title).toBe(errorCatalogue[problem.code].title);
  for (const fault of problem.errors ?? []) expect(fault.message).toMatch(/[.)]$/);
}

requiresData('the big list of naughty strings', blns)('the big list of naughty strings, sent to the API', () => {
  let rig: ControlRig;
  beforeAll(async () => {
    rig = await makeControl();
    expect(strings.length).toBeGreaterThan(500);
  });

  it.each([
    ['GET', (text: string) => `/v1/tasks/${text}`],
    ['GET', (text: string) => `/v1/tasks/${text}/history`],
    ['GET', (text: string) => `/v1/stops/${text}`],
    ['GET', (text: string) => `/v1/approvals/${text}`],
    ['GET', (text: string) => `/v1/tasks?agent=${text}`],
    ['GET', (text: string) => `/v1/tasks?cursor=${text}`],
    ['GET', (text: string) => `/v1/stops?limit=${text}`],
    ['GET', (text: string) => `/v1/events?stop=${text}`],
    ['GET', (text: string) => `/v1/tasks?${text}=1`],
    ['GET', (text: string) => `/errors/${text}`],
    ['POST', (text: string) => `/v1/tasks/${text}:hold`],
    ['POST', (text: string) => `/v1/stops/${text}:reset`],
    ['POST', (text: string) => `/v1/approvals/${text}:decide`],
    ['POST', (text: string) => `/v1/obligations/${text}:accept-risk`],
  ] as const)('%s in the place of an id or a filter: %s', async (method, path) => {
    for (const text of strings) {
      const body = method === 'POST' ? { body: { reason: 'x', decision: 'denied' } } : {};
      const answer = await rig.call(method, path(encodeURIComponent(text)), { as: 'admin', ...body });
      if (answer.status !== 200) expectClearRefusal(text, answer);
    }
  });

  it.each([
    ['the agent of a task', '/v1/tasks', (text: string) => ({ agentId: text, prompt: 'x' })],
    ['a scope to preview', '/v1/stops:preview', (text: string) => ({ scopeKey: text })],
    ['a label to preview', '/v1/stops:preview', (text: string) => ({ scopeKey: `label:team=${text}` })],
    ['a whole body', '/v1/tasks', (text: string) => text],
    ['a key of a body', '/v1/tasks', (text: string) => ({ agentId: 'nobody', prompt: 'x', [text]: 1 })],
  ] as const)('as %s', async (_what, path, body) => {
    for (const text of strings) {
      const answer = await rig.call('POST', path, { as: 'service', body: body(text) });
      if (answer.status !== 200) expectClearRefusal(text, answer);
    }
  });

  it('as the reason of a reset it is kept as it came or refused, and the list is read back unchanged', async () => {
    let kept = 0;
    for (const text of strings.filter((_, index) => index % 5 === 0)) {
      const { stopId } = await stop(rig.ledger, 'model:m');
      await fence(rig.ledger, stopId);
      const answer = await rig.call('POST', `/v1/stops/${stopId}:reset`, {
        as: 'olga@operator',
        body: { reason: text },
      });
      if (answer.status !== 200) expectClearRefusal(text, answer);
      else {
        kept += 1;
        const found = await rig.call('GET', `/v1/stops/${stopId}`, { as: 'viewer' });
        expect(field(found.body, 'reset', 'reason')).toBe(text);
      }
    }
    expect(kept).toBeGreaterThan(50);
  });

  it('as an idempotency key it is taken or refused, never an error of ours', async () => {
    for (const text of strings) {
      if (!/^[\x20-\x7e]*$/.test(text)) continue; // no header can carry it
      const answer = await rig.call('POST', `/v1/tasks/${newId('task')}:hold`, { as: 'operator', key: text });
      expectClearRefusal(text, answer);
    }
  });
});
