/** Between the clocks of two machines that are kept. */
export const toleranceSeconds = 60;

/** Issued in a future that no kept clock has reached. What says nothing of when it was issued is not: its end is checked all the same. */
export const isAhead = ({ iat }: { readonly iat?: number }): boolean =>
  iat !== undefined && iat > Date.now() / 1_000 + toleranceSeconds;
