import { beforeAll, describe, expect, it } from 'vitest';
import { bodyCeilingBytes } from '../../src/control/read-json.ts';
import { newId } from '../store/ledger.ts';
import { type ControlRig, field, makeControl } from './rig.ts';

describe('what the API is sent', () => {
  let rig: ControlRig;
  beforeAll(async () => {
    rig = await makeControl();
  });
  const start = (body: unknown) => rig.call('POST', '/v1/tasks', { as: 'service', body });
  const faults = (answer: { readonly body: unknown }): unknown => field(answer.body, 'errors');

  it.each([
    ['a missing field', { prompt: 'x' }, '/agentId', 'This field is needed.'],
    [
      'an unknown field',
      { agentId: 'billing-bot', prompt: 'x', parentTaskId: 'y' },
      '/parentTaskId',
      'There is no such field here.',
    ],
    [
      'a key of the prototype',
      JSON.parse('{"agentId":"billing-bot","prompt":"x","__proto__":{"isAdmin":true}}'),
      '/__proto__',
      'There is no such field here.',
    ],
    ['an empty id', { agentId: '', prompt: 'x' }, '/agentId', 'An id is not empty.'],
    [
      'a Cyrillic letter that looks Latin',
      { agentId: 'b\u0456lling-bot', prompt: 'x' },
      '/agentId',
      'Character 2 is U+0456; an id has only a-z, 0-9 and "-".',
    ],
    [
      'a zero-width space',
      { agentId: 'billing\u200b-bot', prompt: 'x' },
      '/agentId',
      'Character 8 is U+200B; an id has only a-z, 0-9 and "-".',
    ],
    [
      'an escape sequence',
      { agentId: 'billing\u001b[2J', prompt: 'x' },
      '/agentId',
      'Character 8 is U+001B; an id has only a-z, 0-9 and "-".',
    ],
    [
      'a path',
      { agentId: '../../etc/passwd', prompt: 'x' },
      '/agentId',
      'Character 1 is "." (U+002E); an id has only a-z, 0-9 and "-".',
    ],
    [
      'upper case',
      { agentId: 'Billing-Bot', prompt: 'x' },
      '/agentId',
      'Character 1 is "B" (U+0042); an id has only a-z, 0-9 and "-".',
    ],
    [
      'a query',
      { agentId: "x' OR ExecutionStatus='Running", prompt: 'x' },
      '/agentId',
      'Character 2 is "\'" (U+0027); an id has only a-z, 0-9 and "-".',
    ],
    [
      'a name of 64 characters',
      { agentId: 'a'.repeat(64), prompt: 'x' },
      '/agentId',
      'An id has at most 63 characters; this one has 64.',
    ],
    ['an empty prompt', { agentId: 'billing-bot', prompt: '' }, '/prompt', 'Say something here.'],
    [
      'a NUL in the prompt',
      { agentId: 'billing-bot', prompt: 'a\0b' },
      '/prompt',
      'Character 2 is U+0000, which a reader would not see.',
    ],
    [
      'a hidden instruction in tag characters',
      { agentId: 'billing-bot', prompt: 'pay \u{e0041}' },
      '/prompt',
      'Character 5 is U+E0041, which a reader would not see.',
    ],
    [
      'a lone surrogate',
      { agentId: 'billing-bot', prompt: 'a\ud800b' },
      '/prompt',
      'Character 2 is U+D800, which a reader would not see.',
    ],
    [
      'a line break in a one-line purpose',
      { agentId: 'billing-bot', prompt: 'x', purpose: 'a\nb' },
      '/purpose',
      'Character 2 is U+000A, which a reader would not see.',
    ],
  ])('%s is refused with a pointer and a sentence', async (_what, body, pointer, message) => {
    const answer = await start(body);
    expect([answer.status, field(answer.body, 'code')]).toEqual([422, 'invalid-input']);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(faults(answer)).toContainEqual({ pointer, message });
  });

  it('every fault of one request is told at once', async () => {
    const answer = await start({ agentId: 'A', prompt: '', purpose: '' });
    expect(new Set((faults(answer) as { pointer: string }[]).map((fault) => fault.pointer))).toEqual(
      new Set(['/agentId', '/prompt', '/purpose']),
    );
  });

  it('a prompt may have lines, tabs, emoji and any script', async () => {
    const answer = await start({ agentId: 'nobody', prompt: 'Zahle\n\t- Rechnung №1 👩‍👩‍👧 ✈️ रु' });
    expect(field(answer.body, 'code')).toBe('unknown-agent');
  });

  it.each([
    ['not JSON', '{"agentId": ', 400, 'invalid-json'],
    ['a body that is an array', '[]', 422, 'invalid-input'],
    ['a body that is nothing', 'null', 422, 'invalid-input'],
    [
      'bytes that are not UTF-8',
      Buffer.concat([Buffer.from('{"agentId":"nobody","prompt":"'), Buffer.from([0xff]), Buffer.from('"}')]),
      400,
      'invalid-json',
    ],
    ['a megabyte and one byte', `"${'a'.repeat(bodyCeilingBytes - 1)}"`, 413, 'body-too-large'],
    ['a deeply nested bomb', `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`, 422, 'invalid-input'],
  ])('%s', async (_what, raw, status, code) => {
    const answer = await rig.call('POST', '/v1/tasks', { as: 'service', raw });
    expect([answer.status, field(answer.body, 'code')]).toEqual([status, code]);
    expect(answer.text.length).toBeLessThan(2_000);
  });

  it('a form is not JSON', async () => {
    const answer = await rig.call('POST', '/v1/tasks', {
      as: 'service',
      raw: 'agentId=billing-bot',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect([answer.status, field(answer.body, 'code')]).toEqual([415, 'unsupported-media-type']);
  });

  it.each([
    ['/v1/tasks/..%2f..%2fetc%2fpasswd', 422],
    ['/v1/tasks/x%3Ahold', 422],
    ['/v1/tasks/%1b%5b2J', 422],
    [`/v1/tasks/${'a'.repeat(10_000)}`, 422],
    ['/v1/tasks/stop_test_01h2xcejqtf2nbrexx3vqjhp41', 422],
    ['/v1/tasks/task_other_01h2xcejqtf2nbrexx3vqjhp41', 404],
    ['/v1/tasks/%ff%fe', 422],
    ['/v1/tasks?limit=0', 422],
    ['/v1/tasks?limit=201', 422],
    ['/v1/tasks?limit=ten', 422],
    ['/v1/tasks?cursor=not-a-cursor', 422],
    ['/v1/tasks?cursor=%27%3B--', 422],
    ['/v1/tasks?agent=billing-bot&agent=mail-bot', 422],
    ['/v1/tasks?page=2', 422],
    ['/v1/tasks/', 404],
    ['/v2/tasks', 404],
  ])('%s answers %i', async (path, status) => {
    const answer = await rig.call('GET', path, { as: 'viewer' });
    expect([path, answer.status]).toEqual([path, status]);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
  });

  it.each([
    ['/v1/tasks/x', 'A task id looks like task_dev_ and 26 letters and digits.'],
    ['/v1/approvals/x', 'An approval id looks like appr_dev_ and 26 letters and digits.'],
  ])('%s says what such an id looks like', async (path, message) => {
    expect((await rig.call('GET', path, { as: 'viewer' })).text).toContain(message);
  });

  it('a path that takes another method says so', async () => {
    const answer = await rig.call('POST', `/v1/tasks/${newId('task')}`, { as: 'admin' });
    expect([answer.status, field(answer.body, 'code')]).toEqual([405, 'method-not-allowed']);
  });

  it('an Idempotency-Key is a short printable word', async () => {
    for (const key of [' ', 'a'.repeat(201), 'ä']) {
      const answer = await rig
        .call('POST', '/v1/tasks', {
          as: 'service',
          body: { agentId: 'nobody', prompt: 'x' },
          headers: { 'idempotency-key': key },
        })
        .catch(() => undefined);
      if (answer === undefined) continue; // the HTTP layer itself refuses such a header
      expect([key, answer.status === 422 || field(answer.body, 'code') === 'unknown-agent']).toEqual([key, true]);
      if (key.length > 200)
        expect(faults(answer)).toEqual([{ pointer: 'Idempotency-Key', message: '1 to 200 printable characters.' }]);
    }
  });

  it.each([
    'fleet ',
    'agents:x',
    'agent:',
    'agent:X',
    'label:team',
    'tool:x',
    'task:task_test_short',
    'agent:a\u202eb',
    'workflow:*',
  ])('the scope %j is none', async (scopeKey) => {
    const answer = await rig.call('POST', '/v1/stops:preview', { as: 'viewer', body: { scopeKey } });
    expect([answer.status, field(answer.body, 'errors', 0, 'pointer')]).toEqual([422, '/scopeKey']);
    expect(answer.text).not.toContain('\u202e');
  });
});
