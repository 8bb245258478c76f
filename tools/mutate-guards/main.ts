import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type CopiedTree, copyTree } from './copied-tree.ts';
import { editsOf, type Guard, type Verdict, withoutGuard } from './guard.ts';
import { judge } from './judge.ts';
import { allGuards } from './registry.ts';
import { endRuns, runTests, type TestRun } from './run-tests.ts';
import { inPage, said } from './table.ts';

const projectRoot = join(import.meta.dirname, '../..');
const page = join(projectRoot, 'docs/guards.md');

const usage = `npm run mutate-guards [-- options]
  --only ID      guards whose id begins so; may be repeated
  --shard i/n    the i-th of n parts
  --committed    what was committed last, not what stands in the folder
  --list         name them and run nothing
  --page         write the verdicts into docs/guards.md
Takes one guard after the other out of a copy of this tree and runs the tests that are there to notice.`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    shard: { type: 'string', default: '1/1' },
    committed: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    page: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** A guard that every test lets go is a hole; one that no longer applies protects nobody; both are failures. */
async function mutate(tree: CopiedTree, guards: readonly Guard[]): Promise<readonly Verdict[]> {
  const baseline = await baselines(tree, guards);
  const verdicts: Verdict[] = [];
  for (const [at, guard] of guards.entries()) {
    const begun = performance.now();
    const outcome = await without(tree, guard, baseline);
    const verdict = { guard, outcome, seconds: (performance.now() - begun) / 1_000 };
    verdicts.push(verdict);
    console.log(`${at + 1}/${guards.length} ${guard.id}  ${said(verdict)}  (${verdict.seconds.toFixed(1)} s)`);
  }
  return verdicts;
}

/** Each file once, with every guard in place. */
async function baselines(tree: CopiedTree, guards: readonly Guard[]): Promise<ReadonlyMap<string, TestRun>> {
  const runs = new Map<string, TestRun>();
  for (const file of new Set(guards.map(({ tests }) => tests.file))) {
    const mine = guards.filter(({ tests }) => tests.file === file);
    const run = await runTests(
      tree.root,
      mine.map(({ tests }) => tests),
      false,
    );
    runs.set(file, run);
    for (const { name, message } of run.red) console.log(`not green to begin with: ${file}: ${name}: ${message}`);
    for (const why of run.broken) console.log(`does not run: ${why}`);
  }
  return runs;
}

async function without(
  tree: CopiedTree,
  guard: Guard,
  baseline: ReadonlyMap<string, TestRun>,
): Promise<Verdict['outcome']> {
  const green = baseline.get(guard.tests.file);
  if (green === undefined || green.green.size === 0) return { kind: 'no-baseline', why: 'its tests are not green' };
  const originals = new Map(editsOf(guard).map(({ file }) => [file, tree.read(file)]));
  const changed = new Map(originals);
  for (const { file, ...edit } of editsOf(guard)) {
    // Both of a pair may stand in one file.
    const text = withoutGuard(edit, changed.get(file) ?? '');
    if (text === undefined) return { kind: 'out-of-date' };
    changed.set(file, text);
  }
  try {
    for (const [file, text] of changed) tree.write(file, text);
    return judge(guard, green, await runTests(tree.root, [guard.tests], true));
  } finally {
    for (const [file, text] of originals) tree.write(file, text);
  }
}

function sliceOf(guards: readonly Guard[]): readonly Guard[] {
  const [part = 1, parts = 1] = values.shard.split('/').map(Number);
  const chosen = guards.filter(
    ({ id }) => values.only.length === 0 || values.only.some((prefix) => id.startsWith(prefix)),
  );
  return chosen.filter((_guard, at) => at % parts === part - 1);
}

async function main(): Promise<number> {
  if (values.help) {
    console.log(usage);
    return 0;
  }
  if (values.list) {
    for (const { id, attacks, protects } of sliceOf(allGuards(projectRoot)))
      console.log(`${id}  [${attacks.join(' ')}]  ${protects}`);
    return 0;
  }
  const tree = copyTree(projectRoot, values.committed ? 'commit' : 'folder');
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  process.once('exit', () => {
    endRuns();
    tree.remove();
  });
  const guards = allGuards(tree.root);
  const chosen = sliceOf(guards);
  if (chosen.length === 0) {
    console.log(usage);
    return 2;
  }
  const verdicts = await mutate(tree, chosen);
  if (values.page) writeFileSync(page, inPage(readFileSync(page, 'utf8'), guards, verdicts));
  const loose = verdicts.filter(({ outcome }) => outcome.kind !== 'caught');
  console.log(`${verdicts.length - loose.length} of ${verdicts.length} guards bite`);
  for (const verdict of loose) console.log(`  ${verdict.guard.id}  ${said(verdict)}`);
  return loose.length === 0 ? 0 : 1;
}

process.exitCode = await main();
