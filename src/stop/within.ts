import { EstopError } from '../core/errors.ts';

/** Rejects after `ms`; what was waited for goes on by itself, and its later failure is nobody's. */
export async function within<Value>(ms: number, awaited: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  awaited.catch(() => undefined);
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new EstopError('store-unavailable', { detail: `no answer within ${ms} ms` })), ms);
  });
  try {
    return await Promise.race([awaited, late]);
  } finally {
    clearTimeout(timer);
  }
}
