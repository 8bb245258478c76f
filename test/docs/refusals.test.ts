import { describe, expect, it } from 'vitest';
import { tell } from '../../src/gateway/mcp/denial-result.ts';
import type { DenialReason } from '../../src/gateway/passage.ts';
import { readPage } from './documents.ts';

const page = readPage('docs/agent-developer.md').text;
/** The first cells of the table whose head has this word. */
const firstCells = (head: string): readonly string[] => {
  const table = page.slice(page.indexOf(`| \`${head}\``)).split('\n\n')[0] ?? '';
  return table
    .split('\n')
    .slice(2)
    .flatMap((row) => Array.from((row.split('|')[1] ?? '').matchAll(/`([a-z-]+)`/g), ([, word = '']) => word));
};

// The page may name what is not there: that is what is asked here.
const said = (reason: string): unknown => tell({ kind: 'denied', reason: reason as DenialReason }).text;

describe('what the page for developers says of refusals', () => {
  it.each(firstCells('estop/reason'))('%s is a reason that the gate gives', (reason) => {
    expect(said(reason)).toEqual(expect.any(String));
  });

  it('a reason that the gate never gives is found', () => {
    expect(said('bad-weather')).toBeUndefined();
    expect(firstCells('estop/reason').length).toBeGreaterThan(5);
  });

  it('has every decision that the gate gives, and no other', () => {
    const decided = [
      tell({ kind: 'stopped', stopId: undefined, mayHaveCompleted: false }),
      tell({ kind: 'needs-approval', approvalId: 'appr', expiresAt: '' }),
      tell({ kind: 'denied', reason: 'task-held' }),
      tell({ kind: 'denied', reason: 'possibly-completed' }),
      tell({ kind: 'denied', reason: 'denied-by-policy' }),
    ].map(({ meta }) => String(meta['estop/decision']));
    expect(firstCells('estop/decision').toSorted()).toEqual(decided.toSorted());
  });
});
