import { beforeAll, expect, it } from 'vitest';
import { untoldFunctions } from '../../src/store/by-way.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { type Ledger, makeLedger } from './ledger.ts';

onEveryPostgres('functions that are not told by which way they are asked', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  it('write nothing that says it, and call none that does', async () => {
    const source = new Map<string, string>();
    for (const { name, text } of await ledger.sql(
      "SELECT p.proname AS name, string_agg(p.prosrc, ' ') AS text FROM pg_proc p WHERE p.pronamespace = 'estop'::regnamespace GROUP BY 1",
    ))
      source.set(String(name), String(text));
    const telling = (
      await ledger.sql(
        `SELECT c.relname AS name FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid WHERE pg_get_expr(d.adbin, d.adrelid) LIKE '%method_now%'
         UNION SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal`,
      )
    ).map(({ name }) => String(name));
    expect(telling).toEqual(expect.arrayContaining(['audit', 'tasks']));
    const says = (name: string, seen: ReadonlySet<string> = new Set()): boolean => {
      const text = source.get(name) ?? '';
      if (text === '' || text.includes('method_now')) return true;
      if (
        [...text.matchAll(/(?:INSERT INTO|UPDATE|DELETE FROM) estop\.(\w+)/g)].some(([, table]) =>
          telling.includes(table ?? ''),
        )
      )
        return true;
      const called = [...text.matchAll(/estop\.(\w+)\(/g)].map(([, other]) => other ?? '');
      return called.some(
        (other) => source.has(other) && !seen.has(other) && says(other, new Set([...seen, name, other])),
      );
    };
    expect([...untoldFunctions].filter((name) => says(name))).toEqual([]);
    expect(
      ['hold_task', 'register_task', 'decide_approval', 'no_such_function'].filter((name) => says(name)),
    ).toHaveLength(4);
  });
});
