interface Size {
  readonly atOnce: number;
  readonly perSecond: number;
}

/**
 * For doors that nobody has to prove anything at, and behind which somebody else's server is asked: so many at once, and so many in a
 * second. Of everybody together, because whoever floods has many addresses; nothing that stops anything passes here.
 */
export function createBucket({ atOnce, perSecond }: Size, now = () => performance.now()): { take(): boolean } {
  let level = atOnce;
  let at = now();
  return {
    take: () => {
      const moment = now();
      level = Math.min(atOnce, level + ((moment - at) / 1_000) * perSecond);
      at = moment;
      if (level < 1) return false;
      level -= 1;
      return true;
    },
  };
}
