/** What came of one attempt to tell somebody. `refused`: it will never be taken there. */
export type Answer =
  | { readonly kind: 'delivered' | 'refused'; readonly answer: string }
  | { readonly kind: 'failed'; readonly answer: string; readonly retryAfterMs?: number };
