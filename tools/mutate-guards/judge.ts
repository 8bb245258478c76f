import type { Guard, Outcome } from './guard.ts';
import type { RedTest, TestRun } from './run-tests.ts';

/** Red counts only in a test that is green with the guard in place, and only by what it asserts. */
export function judge(guard: Guard, baseline: TestRun, mutated: TestRun): Outcome {
  const mine = mutated.red.filter(({ name }) => baseline.green.has(name));
  const caught = mine.find((red) => saysSo(guard, red));
  if (caught !== undefined) return { kind: 'caught', by: caught.name };
  const [first] = mine;
  if (first !== undefined) return { kind: 'wrong-reason', why: `${first.name}: ${firstLine(first.message)}` };
  const [broken] = mutated.broken;
  if (broken !== undefined) return { kind: 'wrong-reason', why: firstLine(broken) };
  if (mutated.timedOut) return { kind: 'wrong-reason', why: 'the tests did not end' };
  if (mutated.green.size === 0) return { kind: 'no-baseline', why: 'no such test was run' };
  return { kind: 'survived' };
}

/** The others are how Vitest and fast-check say so of `rejects`, of what was polled for, and of a property. */
const assertions =
  /^(AssertionError\b|Error: promise (resolved|rejected) .* instead of (rejecting|resolving)|Error: expected .* to |Error: Property failed after )/s;

function saysSo({ raises }: Guard, { message }: RedTest): boolean {
  return assertions.test(message) || raises?.test(message) === true;
}

const firstLine = (text: string): string => text.split('\n', 1)[0]?.slice(0, 200) ?? '';
