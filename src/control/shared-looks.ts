/** Answers of the store that do not depend on who asks for them. */
export interface SharedLooks {
  /**
   * One look for all who ask the same at the same time. Nobody is told what was read before they asked: whoever comes while a look is
   * under way shares the next one, so that what somebody has seen done is in every answer to what they ask afterwards.
   */
  share<Seen>(key: string, look: () => Promise<Seen>): Promise<Seen>;
}

/** A look that takes longer than this holds up nobody else: the next one begins beside it. */
const patienceMs = 100;

export function createSharedLooks(): SharedLooks {
  // One key always stands for one look, and so for one type.
  const underWay = new Map<string, Promise<unknown>>();
  const next = new Map<string, Promise<unknown>>();
  const begin = <Seen>(key: string, look: () => Promise<Seen>): Promise<Seen> => {
    const begun = look();
    underWay.set(key, begun);
    const forget = (): void => {
      if (underWay.get(key) === begun) underWay.delete(key);
    };
    begun.then(forget, forget);
    return begun;
  };
  return {
    share: <Seen>(key: string, look: () => Promise<Seen>): Promise<Seen> => {
      const joined = next.get(key);
      if (joined !== undefined) return joined as Promise<Seen>; // by its key, see above
      const before = underWay.get(key);
      if (before === undefined) return begin(key, look);
      const shared = over(before).then(() => {
        next.delete(key);
        return begin(key, look);
      });
      next.set(key, shared);
      return shared;
    },
  };
}

/** Once it has an answer or an error, or has taken long enough. */
function over(look: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, patienceMs);
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    look.then(end, end);
  });
}
