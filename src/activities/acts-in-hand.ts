/**
 * What this process is doing under a key. A second attempt of it joins the first: whoever gave up on that one (a run that went on as
 * a new one, or was ended by hand, or a deadline of Temporal's) has not undone it, and here its outcome will be known.
 * Not protected: the same act in hand in another process.
 */
export interface ActsInHand<Outcome> {
  join(key: string, act: () => Promise<Outcome>): Promise<Outcome>;
}

export function createActsInHand<Outcome>(): ActsInHand<Outcome> {
  const inHand = new Map<string, Promise<Outcome>>();
  return {
    join: (key, act) => {
      const known = inHand.get(key);
      if (known !== undefined) return known;
      const acting = act().finally(() => inHand.delete(key));
      inHand.set(key, acting);
      return acting;
    },
  };
}
