export interface Size {
  readonly atOnce: number;
  readonly perSecond: number;
}

export interface Bucket {
  /** Whether one could be taken now. */
  holds(): boolean;
  take(): boolean;
}

/** So many at once, and so many in a second. */
export function createBucket({ atOnce, perSecond }: Size, now = () => performance.now()): Bucket {
  let level = atOnce;
  let at = now();
  const holds = (): boolean => {
    const moment = now();
    level = Math.min(atOnce, level + ((moment - at) / 1_000) * perSecond);
    at = moment;
    return level >= 1;
  };
  return {
    holds,
    take: () => {
      if (!holds()) return false;
      level -= 1;
      return true;
    },
  };
}
