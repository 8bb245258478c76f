import type { Judgement } from '../../core/flow/judge.ts';

/**
 * What the gate knows of where this call's values come from. `unknown` says nothing about them, and so is never a reason to allow:
 * `not-opened`: nobody registered what the user asked for. `incomplete`: an answer of this task is not in its record, and what was
 * in it may be in the arguments now. `unavailable`: the record cannot be read.
 */
export type FlowStanding =
  | {
      readonly kind: 'known';
      readonly judgement: Judgement;
      /** The newest entry of the record that was taken in; ADMIT refuses a judgement that another gateway's entry has overtaken. */
      readonly seq: number;
    }
  | { readonly kind: 'unknown'; readonly why: 'not-opened' | 'incomplete' | 'unavailable' };
