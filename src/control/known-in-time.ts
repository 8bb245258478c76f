/** Well under what somebody waits for a page, whatever another transaction holds. */
const usualMs = 2_000;

/**
 * Null: not known. For what is said beside a stop: neither its view nor a reset that is done may fail or wait with it, and what nobody
 * could read is never told as none.
 */
export async function knownInTime<Value>(asked: Promise<Value>, patienceMs = usualMs): Promise<Value | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, patienceMs, null);
  });
  return Promise.race([asked.catch(() => null), late]).finally(() => clearTimeout(timer));
}
