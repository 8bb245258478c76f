import type { Origin, Role, Rule } from './facts.ts';

/** One value that a rule holds, and where it came from. */
export interface Finding {
  readonly rule: Rule;
  readonly role: Role | 'family';
  readonly argument: string;
  /** In the clear, for the sentence that a person reads; never stored with the flow. */
  readonly value: string;
  readonly origin: Origin;
  readonly sentence: string;
  /** Where a yes to it counts once more (`reuseOf`). */
  readonly reuse: string | undefined;
  /** A person said no to just this in this task: it is denied, and nobody is asked again. */
  readonly refused: boolean;
}
