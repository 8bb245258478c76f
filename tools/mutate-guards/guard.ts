export interface Edit {
  readonly file: string;
  /** Must stand in the file exactly once. */
  readonly find: string;
  readonly put: string;
}

/** One guard, and the smallest edit that takes it out. */
export interface Guard extends Edit {
  readonly id: string;
  /** What it protects, in a few words. */
  readonly protects: string;
  /** Numbers of the attack catalogue (A1 to A46) that it stands against; empty for a rule of the stop itself. */
  readonly attacks: readonly string[];
  /** Of a pair either of which is enough: the other one, taken out with it. The tests see that there is one. */
  readonly twin?: Edit;
  /** The tests that must go red without it. */
  readonly tests: Tests;
  /** How a test fails where the guard's absence shows before any assertion does: in the words of a server or of a library. */
  readonly raises?: RegExp;
}

export interface Tests {
  readonly file: string;
  /** Part of their full names, word for word. Absent: the whole file. */
  readonly title?: string;
}

export type Outcome =
  /** A test went red by an assertion, as it should. */
  | { readonly kind: 'caught'; readonly by: string }
  /** All stayed green: nobody would notice. */
  | { readonly kind: 'survived' }
  /** The text to take out is not there any more, or more than once. */
  | { readonly kind: 'out-of-date' }
  /** Red, but by a time-out, a crash, or an error that says nothing of the guard. */
  | { readonly kind: 'wrong-reason'; readonly why: string }
  /** The tests are not green with the guard in place, or there are none. */
  | { readonly kind: 'no-baseline'; readonly why: string };

export interface Verdict {
  readonly guard: Guard;
  readonly outcome: Outcome;
  readonly seconds: number;
}

/** The file without the guard; undefined if the edit does not apply exactly once. */
export function withoutGuard({ find, put }: Pick<Edit, 'find' | 'put'>, text: string): string | undefined {
  const at = text.indexOf(find);
  if (at < 0 || text.includes(find, at + 1) || find === put) return undefined;
  return text.slice(0, at) + put + text.slice(at + find.length);
}

export const editsOf = (guard: Guard): readonly Edit[] => (guard.twin === undefined ? [guard] : [guard, guard.twin]);
