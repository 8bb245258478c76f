import { expect, it } from 'vitest';
import { stopSentenceOf } from '../../src/control/stop-sentence.ts';

it('the timeline of a stop says no more was acted on than was found', () => {
  const said = (note: string): string => stopSentenceOf({ at: '2026-01-01T00:00:00Z', kind: 'stop.revoked', note });
  expect(said('0')).toBe('revoked: no credential was found');
  expect(said('3')).toBe('revoked: every credential found was acted on');
});
