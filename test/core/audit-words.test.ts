import { expect, it } from 'vitest';
import { changeLines, detailLines } from '../../src/contract/audit-words.ts';

it('lists of names and times are written as people write them, and what has more in it whole', () => {
  expect(
    detailLines({
      mandates: [{ role: 'viewer' }, { role: 'admin' }],
      groups: ['staff', 'on-call'],
      expiresAt: '2026-11-22T09:02:59.436406+00:00',
      until: '2026-11-22T09:02:59Z',
      none: [],
      over: [{ role: 'operator', labels: { team: 'mail' } }, { role: 'viewer' }],
      odd: [null, 'x'],
      text: 'since 2026-11-22T09:02:59Z',
    }),
  ).toEqual([
    'mandates: viewer, admin',
    'groups: staff, on-call',
    'expiresAt: 2026-11-22 09:02:59Z',
    'until: 2026-11-22 09:02:59Z',
    'none: []',
    'over: [{"role":"operator","labels":{"team":"mail"}},{"role":"viewer"}]',
    'odd: [null,"x"]',
    'text: since 2026-11-22T09:02:59Z',
  ]);
  expect(changeLines({ mandates: [{ role: 'viewer' }] }, { mandates: [{ role: 'admin' }] })).toEqual([
    'mandates: viewer → admin',
  ]);
});
