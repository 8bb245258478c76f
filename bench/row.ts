import type { Bed } from './bed.ts';
import type { Figure } from './figure.ts';

export interface RunOptions {
  /** The whole table in under three minutes; smaller samples, so wider tails. */
  readonly quick: boolean;
  readonly say: (line: string) => void;
}

/** One file in rows/ and one line in rows/index.ts. */
export type Row =
  | { readonly name: string; readonly needs: 'bed'; run(bed: Bed, options: RunOptions): Promise<readonly Figure[]> }
  /** Starts what it measures by itself, on a machine that is otherwise idle. */
  | { readonly name: string; readonly needs: 'nothing'; run(options: RunOptions): Promise<readonly Figure[]> };
