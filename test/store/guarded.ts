import { expect, it } from 'vitest';
import type { Ledger } from './ledger.ts';

/** A guard taken out of one function of the store, as a reviewer would by hand. */
export interface Sabotage {
  readonly what: string;
  readonly in: string;
  readonly find: string | RegExp;
  /** As String.replace takes it: `$1` is the first group. */
  readonly put: string;
  /** Where the server itself objects before any assertion does. */
  readonly raises?: RegExp;
}

export type Scenario = (ledger: Ledger) => Promise<void>;

/** A guard whose deletion keeps the tests green does not exist: the scenario passes, and fails with each guard taken out. */
export function guarded(
  ledger: () => Ledger,
  title: string,
  scenario: Scenario,
  ...sabotages: readonly Sabotage[]
): void {
  it(title, () => scenario(ledger()));
  for (const sabotage of sabotages) {
    it(`${title} (caught without: ${sabotage.what})`, async () => {
      await sabotaged(ledger(), sabotage, async () => {
        const thrown = await scenario(ledger()).then(
          () => new Error('the scenario did not notice'),
          (error: unknown) => error,
        );
        const name = thrown instanceof Error ? thrown.name : '';
        // A scenario that breaks down for another reason has caught nothing.
        if (name !== 'AssertionError')
          expect(describe(thrown)).toMatch(sabotage.raises ?? /^only an assertion counts$/);
      });
    });
  }
}

function describe(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error ? `${thrown.message} ${thrown.cause.message}` : thrown.message;
}

export async function sabotaged(ledger: Ledger, sabotage: Sabotage, work: () => Promise<void>): Promise<void> {
  const [row] = await ledger.sql(
    'SELECT pg_get_functiondef(p.oid) AS text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1 AND p.proname = $2',
    sabotage.in.split('.'),
  );
  const original = String(row?.['text']);
  const changed = original.replace(sabotage.find, sabotage.put);
  if (changed === original)
    throw new Error(`${sabotage.in} has no ${String(sabotage.find)}: the sabotage is out of date`);
  await ledger.sql(changed);
  try {
    await work();
  } finally {
    await untilQuiet(ledger);
    await ledger.sql(original);
  }
}

const patienceMs = 10_000;
/** Between one statement of a queue and the next nothing is active for a moment. */
const quietLooks = 3;

/** The first failure ends a scenario, and what it had sent beside that is still under way: under the sabotage, in the middle of the next test. */
async function untilQuiet(ledger: Ledger): Promise<void> {
  const until = Date.now() + patienceMs;
  for (let quiet = 0; quiet < quietLooks && Date.now() < until; ) {
    const busy = await ledger.sql(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()`,
    );
    quiet = busy.length === 0 ? quiet + 1 : 0;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
