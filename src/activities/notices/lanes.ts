export type Entered =
  | { readonly kind: 'in'; leave(): void }
  /** Too many are under way there; asked again after that time it is this one's turn. */
  | { readonly kind: 'full'; readonly afterMs: number };

export interface Lanes {
  enter(endpoint: string, isFirst: boolean): Promise<Entered>;
}

interface Bounds {
  readonly most: number;
  readonly gapMs: number;
  readonly longestMs: number;
}

/** Of one endpoint at a time. What was never tried has lanes of its own: what fails again and again takes none of them. */
const first: Bounds = { most: 8, gapMs: 500, longestMs: 120_000 };
const again: Bounds = { most: 4, gapMs: 2_000, longestMs: 600_000 };
/** An endpoint that answers has a lane free by then. */
const patienceMs = 500;
/** One that took no longer than this is no reason to keep others away for long. */
const quickMs = 1_000;

interface Lane {
  under: number;
  /** Of whoever was turned away last. */
  turnAt: number;
  readonly waiting: Set<() => void>;
}

/**
 * Deliveries share the places of one worker. An endpoint that hangs would have all of them, and the others would wait for it; so each
 * has so many and no more, whoever comes besides waits for a moment, and comes again in turn.
 */
export function createLanes(now = () => performance.now()): Lanes {
  const lanes = new Map<string, Lane>();
  return {
    enter: async (endpoint, isFirst) => {
      const { most, gapMs, longestMs } = isFirst ? first : again;
      const key = `${isFirst ? 'first' : 'again'} ${endpoint}`;
      const lane = lanes.get(key) ?? { under: 0, turnAt: 0, waiting: new Set() };
      lanes.set(key, lane);
      if (lane.under >= most) await freed(lane);
      if (lane.under >= most) {
        lane.turnAt = Math.min(Math.max(now(), lane.turnAt) + gapMs, now() + longestMs);
        return { kind: 'full', afterMs: Math.ceil(lane.turnAt - now()) };
      }
      lane.under += 1;
      const since = now();
      return {
        kind: 'in',
        leave: () => {
          lane.under -= 1;
          if (now() - since < quickMs) lane.turnAt = 0;
          const [next] = lane.waiting;
          next?.();
        },
      };
    },
  };
}

function freed(lane: Lane): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      lane.waiting.delete(done);
      resolve();
    };
    const timer = setTimeout(done, patienceMs);
    lane.waiting.add(done);
  });
}
