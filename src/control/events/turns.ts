/** So many at a time; whoever comes beyond waits until one of them is over. */
export interface Turns {
  take<Done>(work: () => Promise<Done>): Promise<Done>;
}

export function createTurns(atATime: number): Turns {
  const waiting: (() => void)[] = [];
  let free = atATime;
  return {
    take: async (work) => {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) free += 1;
        else next();
      }
    },
  };
}
