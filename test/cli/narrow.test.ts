import { expect, it } from 'vitest';
import { renderTable } from '../../src/cli/table.ts';

const columns = ['connector', 'target', 'state', 'note'].map((title, index) => ({
  title,
  cell: (row: readonly string[]) => row[index] ?? '',
}));
const rows = [
  ['billing-db', 'estop_dev_e0_s159n7r6', 'open', 'it does not answer, and is asked again in 4 s by itself'],
  ['crm', 'client 7', 'proved', '-'],
];
const render = (width?: number): readonly string[] => renderTable(columns, rows, width);

it('a table is a table where there is room for it, and where it goes into a file', () => {
  expect(render(200)).toEqual(render());
  expect(render()).toEqual([
    'CONNECTOR   TARGET                 STATE   NOTE',
    'billing-db  estop_dev_e0_s159n7r6  open    it does not answer, and is asked again in 4 s by itself',
    'crm         client 7               proved  -',
  ]);
});

it('in 80 columns its last one goes on below itself', () => {
  const lines = render(80);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  expect(lines.slice(1)).toEqual([
    'billing-db  estop_dev_e0_s159n7r6  open    it does not answer, and is asked',
    '                                           again in 4 s by itself',
    'crm         client 7               proved  -',
  ]);
});

it('in 40 columns each row is a block under its name, and nothing of it is lost', () => {
  expect(render(40)).toEqual([
    'billing-db',
    '  target: estop_dev_e0_s159n7r6',
    '  state: open',
    '  note: it does not answer, and is asked again in 4 s by itself',
    'crm',
    '  target: client 7',
    '  state: proved',
  ]);
});
