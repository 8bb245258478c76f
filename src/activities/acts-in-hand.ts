/**
 * What this process is doing under a key. A second attempt of it joins the first: whoever gave up on that one (a run that went on as
 * a new one, or was ended by hand, a crowd that parted, or a deadline of Temporal's) has not undone it, and here its outcome will be
 * known. Not protected: the same act in hand in another process.
 */
export interface ActsInHand<Outcome> {
  /** The act is told to end as soon as one of those that joined it is: the first of them may be gone by then. */
  join(key: string, signal: AbortSignal, act: (ending: AbortSignal) => Promise<Outcome>): Promise<Outcome>;
}

interface Act<Outcome> {
  readonly outcome: Promise<Outcome>;
  readonly ending: AbortController;
}

export function createActsInHand<Outcome>(): ActsInHand<Outcome> {
  const inHand = new Map<string, Act<Outcome>>();
  return {
    join: (key, signal, act) => {
      const known = inHand.get(key);
      if (known !== undefined) {
        follow(signal, known.ending);
        return known.outcome;
      }
      const ending = new AbortController();
      follow(signal, ending);
      const outcome = act(ending.signal).finally(() => inHand.delete(key));
      inHand.set(key, { outcome, ending });
      return outcome;
    },
  };
}

function follow(signal: AbortSignal, ending: AbortController): void {
  const end = (): void => ending.abort(signal.reason);
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
}
