import type { Bed } from './bed.ts';
import type { Figure } from './figure.ts';

export interface RunOptions {
  /** The whole table in under three minutes; smaller samples, so wider tails. */
  readonly quick: boolean;
  readonly say: (line: string) => void;
}

export interface OwnRunOptions extends RunOptions {
  /** To be awaited by a row with a set-up of its own, before anything is measured: then nothing of another row is under way any more. */
  readonly alone: () => Promise<void>;
  /** What is left to do once everything is measured. The next row is set up meanwhile, and measures nothing before it is over. */
  readonly leave: (rest: Promise<void>) => void;
}

/** One file in rows/ and one line in rows/index.ts. */
export type Row =
  | {
      readonly name: string;
      readonly needs: 'bed';
      /** It begins with a set-up while the row before it may still be tidied up, and awaits `alone` by itself. */
      readonly setsUp?: true;
      run(bed: Bed, options: OwnRunOptions): Promise<readonly Figure[]>;
    }
  /** Starts what it measures by itself. */
  | { readonly name: string; readonly needs: 'nothing'; run(options: OwnRunOptions): Promise<readonly Figure[]> };
