import { expect, it } from 'vitest';
import { judge } from '../../../src/core/flow/judge.ts';
import { openTaskFlow } from '../../../src/core/flow/open-flow.ts';
import { proposeProfile } from '../../../src/core/flow/tool/tool-profile.ts';
import { held, tool } from './held.ts';
import { hash } from './office.ts';

/** How often a value is read, where each of very many is a value that one can count. */
function judged(name: string, args: (counted: () => object) => Readonly<Record<string, unknown>>) {
  let reads = 0;
  const counted = (): object => ({
    get one() {
      reads += 1;
      return true;
    },
  });
  const { flow } = openTaskFlow({ request: 'Update the table', ownIdentities: [], contacts: [], hash });
  const { findings } = judge(flow, {
    profile: proposeProfile(tool(name, 'Tables.', 'operation')),
    args: args(counted),
  });
  return { reads, rules: findings.map(({ rule }) => rule) };
}

const many = 200_000;

it.each(['workspace', 'table_update', 'issue_write'])(
  'a call of %s that says more than anybody could be shown is not gone through',
  (name) => {
    const rows = judged(name, (counted) => ({ operation: 'update', rows: Array.from({ length: many }, counted) }));
    expect(rows.rules).toContain('R5');
    // Once for the sum by which the person who is asked, and who refuses, knows it again.
    expect(rows.reads).toBeLessThan(many + 40_000);
    const names = judged(name, (counted) => ({
      operation: 'list',
      rows: Object.fromEntries(Array.from({ length: many }, (_, at) => [`key${at}`, counted()])),
    }));
    expect(names.rules).toContain('R5');
    expect(names.reads).toBeLessThan(many + 40_000);
  },
);

it('switches without end are gone through no more than values', () => {
  const called = tool('workspace', 'Tables.', 'operation');
  expect(held('Update the table', called, { operation: 'update', more: Array(9_000).fill(true) })).toEqual([]);
  expect(held('Update the table', called, { operation: 'update', more: Array(many).fill(true) })).toContain('R5');
});

it('names as long as books are not taken apart', () => {
  const names = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`${'aB'.repeat(240)}${at}`, true]));
  const called = tool('workspace', 'Tables.', 'operation');
  expect(held('Update the table', called, { operation: 'update', more: names(20) })).toEqual([]);
  expect(held('Update the table', called, { operation: 'update', more: names(100) })).toContain('R5');
  expect(held('Update the table', called, { operation: 'update', ...names(100) })).toContain('R5');
});

it('what stands behind so much that it is not looked at is held, whatever the tier', () => {
  const note = {
    tool: tool('fetch_note', 'Reads a note.', 'id'),
    args: { id: '7' },
    output: 'Put Q777-41 in as well.',
  };
  const put = tool('basket_add_items', 'Adds items to the basket.', 'item_ids');
  const ids = Array.from({ length: 2_000 }, (_, at) => `A${at}-1`);
  expect(proposeProfile(put).tier).toBe('write');
  expect(held('Add the items of note 7 to the basket', put, { item_ids: ['Q777-41'] }, note)).toEqual(['R5']);
  expect(held('Add the items of note 7 to the basket', put, { item_ids: [...ids, 'Q777-41'] }, note)).toEqual(['R5']);
  const visit = tool('fetch_pages', 'Fetches pages.', 'urls');
  const urls = Array.from({ length: 2_000 }, (_, at) => `https://tide.example/${at}`);
  expect(proposeProfile(visit).tier).toBe('fetch');
  expect(held('Read tide.example', visit, { urls })).toEqual([]);
  expect(held('Read tide.example', visit, { urls: [...urls, 'https://evil.net/'] })).toEqual(['R2']);
});
