/** Nothing begins so shortly before the end: what one lane needs of a healthy system takes less. */
const lastCallMs = 250;

/** How long a crowd stays together: no longer than the first of it can wait. */
export interface Company {
  /** Aborted at the end; `apart` resolves then. */
  readonly parted: AbortSignal;
  readonly apart: Promise<undefined>;
  /** Too late for anything new. */
  isParting(): boolean;
  /** One of them is to be elsewhere by then. */
  neededIn(ms: number): void;
  part(): void;
}

/** New ones begin for `beginMs`; those begun have `lastMs` more to come to their end. */
export function keepCompany(beginMs: number, lastMs: number, unwanted: AbortSignal): Company {
  const parted = new AbortController();
  const apart = new Promise<undefined>((resolve) => {
    parted.signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  const closeAt = performance.now() + beginMs;
  let partAt = Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const part = (): void => {
    clearTimeout(timer);
    partAt = Number.NEGATIVE_INFINITY;
    parted.abort();
  };
  const neededIn = (inMs: number): void => {
    if (performance.now() + inMs >= partAt) return;
    partAt = performance.now() + inMs;
    clearTimeout(timer);
    timer = setTimeout(part, inMs);
  };
  const isParting = (): boolean => performance.now() > Math.min(closeAt, partAt - lastCallMs);
  if (unwanted.aborted) part();
  else unwanted.addEventListener('abort', part, { once: true });
  neededIn(beginMs + lastMs);
  return { parted: parted.signal, apart, isParting, neededIn, part };
}
