import type { BacktestedRun } from '../../policy/backtest.ts';
import type { PolicyFault, PolicyFiles } from '../../policy/parse-set.ts';
import type { Reviewing } from '../../policy/recorded-runs.ts';

/** What goes to the thread. Plain data: it is copied. */
export interface BacktestOrder {
  readonly files: PolicyFiles;
  /** One run a line. */
  readonly runs: string;
  readonly tools?: string | undefined;
  readonly assume: 'allow' | 'deny';
  readonly config: Reviewing;
  readonly mostCalls: number;
}

export type BacktestOutcome =
  | {
      readonly kind: 'decided';
      readonly version: string;
      readonly counts: Readonly<Record<'runs' | 'allow' | 'ask' | 'deny', number>>;
      readonly items: readonly BacktestedRun[];
      /** Why some calls could not be judged; they were denied. */
      readonly unjudged: readonly string[];
    }
  | { readonly kind: 'not-valid'; readonly faults: readonly PolicyFault[] }
  | { readonly kind: 'not-read'; readonly detail: string }
  | { readonly kind: 'too-many'; readonly mostCalls: number }
  | { readonly kind: 'failed'; readonly detail: string };
